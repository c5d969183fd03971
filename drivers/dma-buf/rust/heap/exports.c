// SPDX-License-Identifier: GPL-2.0
/*
 * What the Rust implementation of DMA-BUF heaps leaves to C: exports, the
 * module parameter and the early initcall. There is no logic here.
 */

#include <linux/cache.h>
#include <linux/dma-heap-owned.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "dma_heap_core.h"

bool __read_mostly mem_accounting;
EXPORT_SYMBOL_NS_GPL(mem_accounting, "DMA_BUF_HEAP");
module_param(mem_accounting, bool, 0444);
MODULE_PARM_DESC(mem_accounting,
		 "Charge heap allocations to the cgroup of the process that asks (default: false)");

static int __init dma_heap_init(void)
{
	return rust_dma_heap_init();
}

static void __exit dma_heap_exit(void)
{
	rust_dma_heap_exit();
}

/* Heaps are added from the initcalls of drivers on. */
subsys_initcall(dma_heap_init);
module_exit(dma_heap_exit);

EXPORT_SYMBOL_NS_GPL(dma_heap_add, "DMA_BUF_HEAP");
EXPORT_SYMBOL_NS_GPL(dma_heap_get_drvdata, "DMA_BUF_HEAP");
EXPORT_SYMBOL_NS_GPL(dma_heap_get_name, "DMA_BUF_HEAP");
/* Not in the C implementation */
EXPORT_SYMBOL_NS_GPL(dma_heap_add_owned, "DMA_BUF_HEAP");
EXPORT_SYMBOL_NS_GPL(dma_heap_remove, "DMA_BUF_HEAP");

MODULE_DESCRIPTION("DMA-BUF heaps");
MODULE_IMPORT_NS("DMA_BUF");
MODULE_LICENSE("GPL");
