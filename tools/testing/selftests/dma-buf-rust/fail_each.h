/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operations that fail_each lets fail.
 */
#ifndef DMA_BUF_RUST_FAIL_EACH_H
#define DMA_BUF_RUST_FAIL_EACH_H

#include "udmabufs.h"

/* The size of the buffers */
#define PAGES	20
/* So often these are as many pages as udmabuf makes room for at once */
#define MUCH_PAGES	1024
#define MUCH_TIMES	64
#define TOO_MANY_MB	"300"
/* The device of the module fence_issuer */
#define ISSUER		"/dev/fence_issuer"

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
	/* It works though what it wants fails. */
	bool must_work;
};

#define OP(text, there, fn)	{ .name = text, .ready = there, .act = fn, .undo = undo }

/* What there is before anything fails, and what an operation has made */
struct things {
	int heap, cma, udmabuf, card;
	/* A memory file, one that has no pages yet, one of MUCH_PAGES, one of a huge page */
	int memfd, fresh, much, huge;
	/* A buffer of each exporter, and one that nobody writes: jobs do not wait for it */
	int buf, contiguous, shared, idle;
	/* Timelines, a fence of each that is pending, one that is signalled, and both merged */
	int lines[2], fences[2], done[2], merged;
	int fd;
	void *map;
	__u32 handle;
	/* What there_is() has not found */
	const char *missing;
};

extern struct things things;
extern const struct operation operations[], udmabuf_operations[];
extern const size_t n_operations, n_udmabuf_operations;

void things_begin(void);
void things_end(void);
/* What is -1 is not open. */
void close_one(int *fd);

/* For what an operation needs: which is told if it is missing. */
bool there_is(bool found, const char *what);
bool has_cma(void);
bool has_contiguous(void);
bool has_fences(void);
bool has_udmabuf(void);
bool has_huge(void);
bool has_card(void);
bool has_importer(void);
bool has_issuer(void);

/* What has been made: undo() lets it go. */
int keep(int fd);
int map_far_away(int fd);
int read_whole(const char *path);
int import_by_job(int buf);
int make_context(void);
void undo(void);
/*
 * The descriptor that is made next. Where an answer is not copied, drivers of others leave
 * it open, and nobody is told which it is.
 */
int next_fd(void);

void fail_each(const struct operation *op);
void fail_all(const struct operation *ops, size_t n);
/* What comes after operations[]: closes and the like, DRM's ioctls, a camera's */
void fail_files(void);
void fail_drm(void);
void fail_camera(void);

#endif
