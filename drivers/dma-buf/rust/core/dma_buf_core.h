/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _DMA_BUF_CORE_H
#define _DMA_BUF_CORE_H

#include <linux/types.h>

/* What exports.c calls in the Rust crate. */

int rust_dma_buf_init(void);
void rust_dma_buf_exit(void);
bool rust_dma_fence_begin_signalling(unsigned long ip);
void rust_dma_fence_end_signalling(bool cookie, unsigned long ip);

#endif /* _DMA_BUF_CORE_H */
