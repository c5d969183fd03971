/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _DMA_HEAP_CORE_H
#define _DMA_HEAP_CORE_H

/* What exports.c calls in the Rust crate. */

int rust_dma_heap_init(void);
void rust_dma_heap_exit(void);

#endif /* _DMA_HEAP_CORE_H */
