// SPDX-License-Identifier: GPL-2.0
/*
 * What the Rust implementation of sw_sync leaves to C: the tracepoint and the
 * initcall. There is no logic here.
 */

#include <linux/init.h>
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "../../sync_trace.h"

#ifdef CONFIG_TRACEPOINTS
/* Rust hits them, which the search for unused ones does not see. */
TRACEPOINT_CHECK(sync_timeline)
#endif

#include "sw_sync_core.h"

static int __init sw_sync_init(void)
{
	return rust_sw_sync_init();
}

static void __exit sw_sync_exit(void)
{
	rust_sw_sync_exit();
}

late_initcall(sw_sync_init);
module_exit(sw_sync_exit);

MODULE_DESCRIPTION("Fences that user space signals, for tests");
MODULE_LICENSE("GPL");
