// SPDX-License-Identifier: GPL-2.0
/*
 * What the Rust implementation of the DMA-BUF core leaves to C: exports,
 * tracepoints and the early initcall. There is no logic here.
 */

#include <linux/dma-buf.h>
#include <linux/dma-buf-mapping.h>
#include <linux/export.h>
#include <linux/init.h>

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include <trace/events/dma_buf.h>

int rust_dma_buf_init(void);

/* Drivers use buffers from their own initcalls on. */
subsys_initcall(rust_dma_buf_init);

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
