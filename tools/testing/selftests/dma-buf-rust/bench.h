/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of the program bench.
 */
#ifndef DMA_BUF_RUST_BENCH_H
#define DMA_BUF_RUST_BENCH_H

#include <stddef.h>

struct op {
	/* If it is not that of what the module calls */
	const char *name;
	/* Once; in user space, or as the module calls it */
	void (*run)(void);
	const char *calls;
	/* Before it is run for the first time; n is that of who is measured for growth */
	void (*prepare)(unsigned int n);
	unsigned int n;
	/* What it has taken is known in user space alone: it goes on when the system call ends. */
	unsigned int batch;
};

/* The tables end with one that has no name. */
extern const struct op buffer_ops[], fence_ops[], module_ops[], job_ops[];

/* What grows: at each of the points, which end with 0, all of these are looked at. */
#define MAX_POINTS	6

struct growth {
	struct op op;
	unsigned int points[MAX_POINTS];
};

extern const struct growth growths[];

/* What operations of several parts work on */
extern int heap;

void prepare_buffers(void);
void prepare_fences(void);
void prepare_module(void);

/* So many more live buffers than the few that are there at first */
void crowd(unsigned int n);
/* The fences of two sync_files, n in all, each of another timeline, none signalled */
void new_halves(unsigned int n, int halves[2]);
/* One file with all of them */
int new_merged(unsigned int n);
/* A buffer, with the fence if there is one */
int new_buffer_with(int fence);
void merge(int a, int b);
/* FILE_INFO of a file that has so many */
void info(int fence, unsigned int n);
void alloc_4k(void);
/* Maps a buffer, touches each page, and unmaps it. */
void touch(int fd, size_t bytes);
void bufinfo(void);
void done(int fd, const char *what);

#define MODULE_PARAMETERS	"/sys/module/bench_calls/parameters/"

/* Lets the module do it so often, on n if that is not 0; what one has cost. */
double module_run(const char *name, unsigned int rounds, unsigned int n);

/* Where the module begins and ends to measure, for who traces it */
unsigned long module_marker(const char *name);

void report_memory(void);
void report_pool(void);

#endif
