/* SPDX-License-Identifier: GPL-2.0 */
/* The pool of the system heap, and buffers that are made from it. */
#ifndef DMA_BUF_RUST_POOL_H
#define DMA_BUF_RUST_POOL_H

#include <stdbool.h>
#include <stddef.h>

#define POOL "/sys/kernel/debug/dma_heap_system/"

/* A line of its statistics; -1 if it cannot be read. */
long pool_stat(const char *name);
/*
 * Whether there is a pool that keeps anything with a limit: it does not where the
 * kernel writes to freed pages. Skips and says why if not.
 */
bool pool_keeps(void);
/* A task that changes the CPU may change the node, whose pages are others. For good. */
void stay_on_cpu(void);
/* Whether it comes to that, within PATIENCE_MS. */
bool pool_stat_becomes(const char *name, long value);
/* Nothing is held any more: what is just being zeroed goes when that is done. */
bool pool_off(void);
/* Whether the shrinker can free all that is held: there is something, and no other user. */
bool pool_shrinks(int heap);

/* A buffer that should have nothing in it is left full. Whether that was so. */
bool fill_zeroed(int buf, size_t len, int fill);
/* A new one of that kind. Returns it, or -1. */
int used_buffer(int heap, size_t len, int fill);
/* Some buffers at once, each for a while. Returns how often something was wrong. */
int use_buffers(int heap, int rounds, int fill);

#endif
