/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of bench_calls: what the exported functions cost a C driver.
 */
#ifndef DMA_BUF_RUST_BENCH_CALLS_H
#define DMA_BUF_RUST_BENCH_CALLS_H

#include <linux/stringify.h>
#include <linux/types.h>

struct device;
struct dma_buf;
struct dma_fence;
struct dma_resv;

struct bench_op {
	const char *name;
	/* How large it is, where nobody says otherwise */
	unsigned int n;
	void (*run)(void);
	/* Once before all runs and once after them, not measured */
	void (*setup)(unsigned int n);
	void (*teardown)(void);
	/* Around each run, not measured */
	void (*before)(void);
	void (*after)(void);
};

#define BENCH_HEAPS	8

/* The buffers that user space has made for us */
enum bench_buffer {
	BENCH_HEAP,		/* pages of the system heap, this one and those up to the next */
	BENCH_SCATTERED = BENCH_HEAP + BENCH_HEAPS, /* 64 pages, no two of them adjacent */
	BENCH_SCATTERED_MORE,	/* 4096 of them */
	BENCH_BUFFERS,
};

extern struct dma_buf *bench_buffers[BENCH_BUFFERS];
extern int bench_buffer_fd;
extern struct device *bench_device;

/* The most that an operation works on */
#define BENCH_MAX	10000

/* What is measured must be what was meant. The first failure is kept. */
extern const char *bench_failure;

#define need(cond) do {							\
	if (unlikely(!(cond)) && !bench_failure)			\
		bench_failure = __FILE__ ":" __stringify(__LINE__) ": " #cond;	\
} while (0)

/* Fences that nobody but the module signals, each of a context of its own */
extern struct dma_fence *bench_fences[BENCH_MAX];

struct dma_fence *bench_new_fence(u64 context, u64 seqno);
void bench_make_fences(unsigned int n);
void bench_signal_fences(void);
void bench_put_fences(void);

void bench_begin(void);
void bench_end(void);

/* Ends with one that has no name. */
extern const struct bench_op bench_buffer_ops[], bench_fence_ops[], bench_container_ops[];
extern const struct bench_op bench_resv_ops[], bench_job_ops[];

#endif
