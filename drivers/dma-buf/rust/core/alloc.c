// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for the Rust implementation. Each kind is allocated by its type and in a
 * place of its own, which is what the slab allocator tells them apart by.
 */

#include <linux/dma-buf.h>
#include <linux/dma-fence-array.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "dma_buf_core.h"

struct dma_buf_attachment *rust_dma_buf_alloc_attachment(void)
{
	return kmalloc_obj(struct dma_buf_attachment);
}

struct dma_fence *rust_dma_buf_alloc_fence(void)
{
	return kmalloc_obj(struct dma_fence);
}

struct dma_fence_array *rust_dma_buf_alloc_array(size_t count)
{
	return kzalloc_flex(struct dma_fence_array, callbacks, count);
}

struct dma_fence **rust_dma_buf_alloc_fences(size_t count)
{
	return kmalloc_objs(struct dma_fence *, count);
}

struct sync_file *rust_dma_buf_alloc_sync_file(void)
{
	return kmalloc_obj(struct sync_file);
}

void *rust_dma_buf_alloc_buffer(size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

void *rust_dma_buf_alloc_list(size_t size, gfp_t flags)
{
	return kmalloc(size, flags);
}
