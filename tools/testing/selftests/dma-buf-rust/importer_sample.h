/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IMPORTER_SAMPLE_H
#define IMPORTER_SAMPLE_H

#include <poll.h>
#include <pthread.h>

#include "common.h"
#include "rust_samples.h"

#define IN_OUT	(POLLIN | POLLOUT)

/* The device of the sample module rust_dma_buf_importer */
int device(void);
/* The CPU's checksum goes to sum, which may be NULL. */
int submit(int dev, int buf, __u32 *sum);
int result(int dev, struct rust_dma_buf_importer_result *res);
/* Writes something else each time, and returns its checksum. */
__u32 fill(int buf, size_t len);

/* A submission by a thread of its own; ret is an errno. */
struct job {
	pthread_t thread;
	int dev;
	int buf;
	int ret;
	__u32 sum;
	bool done;
};

void begin(struct job *j, int dev, int buf);
bool is_done(const struct job *j);

/* importer_sample_fences.c: which fences it waits for, and its own */
void test_fence(void);
void test_side_by_side(void);
void test_waits(int line);
void test_signals(int line);

#endif
