/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operations that fail_each lets fail.
 */
#ifndef DMA_BUF_RUST_FAIL_EACH_H
#define DMA_BUF_RUST_FAIL_EACH_H

#include "udmabufs.h"

/* The size of the buffers */
#define PAGES	20
/* More than udmabuf pins at once: 256 MiB, and a page before them */
#define HUGE_PAGES	128
#define TOO_MANY_MB	"300"

struct operation {
	const char *name;
	/* Whether there is what it needs; NULL: always */
	bool (*ready)(void);
	/* One system call, or a few; what it opened or mapped is in things. */
	int (*act)(void);
	/* Lets go of that, if there is any. */
	void (*undo)(void);
	/* What it may also fail with, besides ENOMEM and EFAULT */
	int also;
};

/* What there is before anything fails, and what an operation has made */
struct things {
	int heap, cma, udmabuf, card;
	/* A memory file, one that has no pages yet, and one of HUGE_PAGES */
	int memfd, fresh, huge;
	/* A buffer of each exporter */
	int buf, contiguous, shared;
	/* Timelines, a fence of each that is pending, one that is signalled, and both merged */
	int lines[2], fences[2], done[2], merged;
	int fd;
	void *map;
	__u32 handle;
};

extern struct things things;
extern const struct operation operations[];
extern const size_t n_operations;

void things_begin(void);
void things_end(void);
/* What is -1 is not open. */
void close_one(int *fd);

#endif
