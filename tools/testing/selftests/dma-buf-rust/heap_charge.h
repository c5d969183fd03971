/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DMA_BUF_RUST_HEAP_CHARGE_H
#define DMA_BUF_RUST_HEAP_CHARGE_H

/* The group that all others of the test are in, and two of these */
#define OUTER	"charge"
#define ONE	OUTER "/one"
#define OTHER	OUTER "/other"

/*
 * Tasks of both groups do so many things at random: allocate from one of these heaps, give a
 * buffer to another task, close one, move to the other group, get killed. Nothing is left after
 * that. Returns how many things were done, 0 if hardly any was a buffer.
 */
int charge_at_random(const int *heaps, int count, int things);

#endif
