/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults that are injected into one system call: the n-th of what may fail in it
 * (allocations, copies from and to user space) does, and the kernel says where.
 */
#ifndef DMA_BUF_RUST_FAULTS_H
#define DMA_BUF_RUST_FAULTS_H

#include <stdbool.h>

/*
 * Faults spare nothing any more. With stacks, all kinds are needed, and the log
 * says where each was. False, and a test that is skipped, if there are none.
 */
bool faults_begin(bool stacks);
void faults_end(void);
/*
 * Whether allocations are spared from here on, and not counted. How many the kernel
 * makes besides is not the same each time; copies, and the calls of call_faults, are.
 */
void faults_spare_allocations(bool spare);

/* The n-th from here on, in this thread */
void fault_arm(int n);
/* Whether it has happened; none happens any more. */
bool fault_disarm(void);
/*
 * Where the fault that has just happened was, each place once: "# point" and a
 * symbol with an offset for each function on the stack. How many were new. Of an
 * allocation with __GFP_NOWARN the kernel does not say anything.
 */
int fault_points(void);
/* Whether what was told by that was a copy from or to user space. */
bool fault_was_copy(void);

/* What a round with faults may leave: buffers, timelines, descriptors */
struct counts {
	int objects, timelines, fds;
};

struct counts count_all(void);
/* Whether nothing is left since; says what is, by the name and the number of the fault. */
bool nothing_left(const struct counts *before, const char *name, int fault);

#endif
