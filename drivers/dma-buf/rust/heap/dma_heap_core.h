/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _DMA_HEAP_CORE_H
#define _DMA_HEAP_CORE_H

#include <linux/dma-heap.h>

struct module;

/* What exports.c calls in the Rust crate. */

int rust_dma_heap_init(void);
void rust_dma_heap_exit(void);

/* What the Rust implementation exports beyond linux/dma-heap.h: heaps that can be removed. */

struct dma_heap *dma_heap_add_owned(const struct dma_heap_export_info *exp_info,
				    struct module *owner);
void dma_heap_remove(struct dma_heap *heap);

#endif /* _DMA_HEAP_CORE_H */
