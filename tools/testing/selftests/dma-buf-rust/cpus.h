/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DMA_BUF_RUST_CPUS_H
#define DMA_BUF_RUST_CPUS_H

/*
 * Keeps all CPUs for the calling thread and what it calls, until cpus_give():
 * no work item runs meanwhile, so that what the kernel puts off stays undone.
 * The kernel helps others after a second, so be quick, and who may have been
 * slow tries again.
 */
void cpus_take(void);
void cpus_give(void);

#endif
