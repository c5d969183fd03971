/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _DMA_BUF_CORE_H
#define _DMA_BUF_CORE_H

#include <linux/types.h>

struct dma_buf_attachment;
struct dma_fence;
struct dma_fence_array;
struct sync_file;

/* What the Rust crate calls in alloc.c. */

struct dma_buf_attachment *rust_dma_buf_alloc_attachment(void);
struct dma_fence *rust_dma_buf_alloc_fence(void);
struct dma_fence_array *rust_dma_buf_alloc_array(size_t count);
struct dma_fence **rust_dma_buf_alloc_fences(size_t count);
struct sync_file *rust_dma_buf_alloc_sync_file(void);
void *rust_dma_buf_alloc_buffer(size_t size);
void *rust_dma_buf_alloc_list(size_t size, gfp_t flags);

/* What exports.c calls in the Rust crate. */

int rust_dma_buf_init(void);
void rust_dma_buf_exit(void);
bool rust_dma_fence_begin_signalling(unsigned long ip);
void rust_dma_fence_end_signalling(bool cookie, unsigned long ip);

#endif /* _DMA_BUF_CORE_H */
