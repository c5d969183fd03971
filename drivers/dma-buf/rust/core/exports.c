// SPDX-License-Identifier: GPL-2.0
/*
 * What the Rust implementation of the DMA-BUF core leaves to C: exports,
 * tracepoints and the early initcall. There is no logic here.
 */

#include <linux/dma-buf.h>
#include <linux/dma-buf-mapping.h>
#include <linux/dma-fence.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sync_file.h>

#define CREATE_TRACE_POINTS
#include <trace/events/dma_buf.h>
#include <trace/events/dma_fence.h>

#ifdef CONFIG_TRACEPOINTS
/* Rust hits them, which the search for unused ones does not see. */
TRACEPOINT_CHECK(dma_buf_export)
TRACEPOINT_CHECK(dma_buf_mmap_internal)
TRACEPOINT_CHECK(dma_buf_mmap)
TRACEPOINT_CHECK(dma_buf_put)
TRACEPOINT_CHECK(dma_buf_dynamic_attach)
TRACEPOINT_CHECK(dma_buf_detach)
TRACEPOINT_CHECK(dma_buf_fd)
TRACEPOINT_CHECK(dma_buf_get)
TRACEPOINT_CHECK(dma_fence_init)
TRACEPOINT_CHECK(dma_fence_destroy)
TRACEPOINT_CHECK(dma_fence_wait_start)
TRACEPOINT_CHECK(dma_fence_wait_end)
#endif

#include "dma_buf_core.h"

static int __init dma_buf_init(void)
{
	return rust_dma_buf_init();
}

static void __exit dma_buf_exit(void)
{
	rust_dma_buf_exit();
}

/* Drivers use buffers from their own initcalls on. */
subsys_initcall(dma_buf_init);
module_exit(dma_buf_exit);

EXPORT_SYMBOL_NS_GPL(dma_buf_export, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_fd, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_fd_install, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_get, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_put, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_attach, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_dynamic_attach, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_detach, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_pin, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_unpin, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_map_attachment, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_map_attachment_unlocked, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_unmap_attachment, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_unmap_attachment_unlocked, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_attach_revocable, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_invalidate_mappings, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_begin_cpu_access, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_end_cpu_access, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_mmap, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_vmap, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_vmap_unlocked, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_vunmap, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_vunmap_unlocked, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_phys_vec_to_sgt, "DMA_BUF");
EXPORT_SYMBOL_NS_GPL(dma_buf_free_sgt, "DMA_BUF");

EXPORT_TRACEPOINT_SYMBOL(dma_fence_emit);
EXPORT_TRACEPOINT_SYMBOL(dma_fence_enable_signal);
EXPORT_TRACEPOINT_SYMBOL(dma_fence_signaled);
EXPORT_SYMBOL(dma_fence_get_stub);
EXPORT_SYMBOL(dma_fence_allocate_private_stub);
EXPORT_SYMBOL(dma_fence_context_alloc);
EXPORT_SYMBOL(dma_fence_signal_timestamp_locked);
EXPORT_SYMBOL(dma_fence_signal_timestamp);
EXPORT_SYMBOL(dma_fence_signal_locked);
EXPORT_SYMBOL(dma_fence_check_and_signal_locked);
EXPORT_SYMBOL(dma_fence_check_and_signal);
EXPORT_SYMBOL(dma_fence_signal);
EXPORT_SYMBOL(dma_fence_wait_timeout);
EXPORT_SYMBOL(dma_fence_release);
EXPORT_SYMBOL(dma_fence_free);
EXPORT_SYMBOL(dma_fence_enable_signaling);
EXPORT_SYMBOL(dma_fence_add_callback);
EXPORT_SYMBOL(dma_fence_get_status);
EXPORT_SYMBOL(dma_fence_remove_callback);
EXPORT_SYMBOL(dma_fence_default_wait);
EXPORT_SYMBOL(dma_fence_wait_any_timeout);
EXPORT_SYMBOL(dma_fence_set_deadline);
EXPORT_SYMBOL(dma_fence_describe);
EXPORT_SYMBOL(dma_fence_init);
EXPORT_SYMBOL(dma_fence_init64);
EXPORT_SYMBOL(dma_fence_driver_name);
EXPORT_SYMBOL(dma_fence_timeline_name);
EXPORT_SYMBOL(dma_fence_array_ops);
EXPORT_SYMBOL(dma_fence_array_alloc);
EXPORT_SYMBOL(dma_fence_array_init);
EXPORT_SYMBOL(dma_fence_array_create);
EXPORT_SYMBOL(dma_fence_match_context);
EXPORT_SYMBOL(dma_fence_array_first);
EXPORT_SYMBOL(dma_fence_array_next);
EXPORT_SYMBOL(dma_fence_chain_walk);
EXPORT_SYMBOL(dma_fence_chain_find_seqno);
EXPORT_SYMBOL(dma_fence_chain_ops);
EXPORT_SYMBOL(dma_fence_chain_init);
EXPORT_SYMBOL_GPL(dma_fence_unwrap_first);
EXPORT_SYMBOL_GPL(dma_fence_unwrap_next);
EXPORT_SYMBOL_GPL(dma_fence_dedup_array);
EXPORT_SYMBOL_GPL(__dma_fence_unwrap_merge);

#ifdef CONFIG_LOCKDEP
/* In C because lockdep reports name the caller. */
bool dma_fence_begin_signalling(void)
{
	return rust_dma_fence_begin_signalling(_RET_IP_);
}
EXPORT_SYMBOL(dma_fence_begin_signalling);

void dma_fence_end_signalling(bool cookie)
{
	rust_dma_fence_end_signalling(cookie, _RET_IP_);
}
EXPORT_SYMBOL(dma_fence_end_signalling);
#endif

DEFINE_WD_CLASS(reservation_ww_class);
EXPORT_SYMBOL(reservation_ww_class);

EXPORT_SYMBOL(dma_resv_init);
EXPORT_SYMBOL(dma_resv_fini);
EXPORT_SYMBOL(dma_resv_reserve_fences);
EXPORT_SYMBOL(dma_resv_add_fence);
EXPORT_SYMBOL(dma_resv_replace_fences);
EXPORT_SYMBOL(dma_resv_iter_first_unlocked);
EXPORT_SYMBOL(dma_resv_iter_next_unlocked);
EXPORT_SYMBOL_GPL(dma_resv_iter_first);
EXPORT_SYMBOL_GPL(dma_resv_iter_next);
EXPORT_SYMBOL(dma_resv_copy_fences);
EXPORT_SYMBOL_GPL(dma_resv_get_fences);
EXPORT_SYMBOL_GPL(dma_resv_get_singleton);
EXPORT_SYMBOL_GPL(dma_resv_wait_timeout);
EXPORT_SYMBOL_GPL(dma_resv_set_deadline);
EXPORT_SYMBOL_GPL(dma_resv_test_signaled);
EXPORT_SYMBOL_GPL(dma_resv_describe);
#ifdef CONFIG_DEBUG_MUTEXES
EXPORT_SYMBOL(dma_resv_reset_max_fences);
#endif

#ifdef CONFIG_SYNC_FILE
EXPORT_SYMBOL(sync_file_create);
EXPORT_SYMBOL(sync_file_get_fence);
#endif

MODULE_DESCRIPTION("Buffers, fences and reservation objects that drivers share");
MODULE_LICENSE("GPL");
