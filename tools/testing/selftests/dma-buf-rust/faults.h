/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults that are injected into one system call: the n-th of what may fail in it
 * (allocations, copies from and to user space) does, and the kernel says where.
 */
#ifndef DMA_BUF_RUST_FAULTS_H
#define DMA_BUF_RUST_FAULTS_H

#include <stdbool.h>

/* False, and a test that is skipped, if the kernel has no faults to inject. */
bool faults_begin(void);
void faults_end(void);

/* The n-th from here on, in this thread */
void fault_arm(int n);
/* Whether it has happened; none happens any more. */
bool fault_disarm(void);
/*
 * Where the fault that has just happened was, each place once: "# point" and a
 * symbol with an offset for each function on the stack. How many were new.
 */
int fault_points(void);

#endif
