/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the dma-buf test programs share: TAP results, buffers, bad pointers,
 * and the look for leaks after each group of tests.
 */
#ifndef DMA_BUF_RUST_COMMON_H
#define DMA_BUF_RUST_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <linux/types.h>

#include "kselftest.h"

#define BUFINFO		"/sys/kernel/debug/dma_buf/bufinfo"
#define SW_SYNC		"/sys/kernel/debug/sync/sw_sync"
#define SYNC_INFO	"/sys/kernel/debug/sync/info"
#define MEGABYTE	(1024UL * 1024)
/* How often a failing call is repeated, so that a leak cannot hide. */
#define LEAK_ROUNDS	64

/* Results. Every call prints one line of TAP. */
void t_begin(void);
int t_end(void);
void t_ok(bool ok, const char *fmt, ...) __printf(2, 3);
/* ret is what a system call returned; err is the errno wanted, 0 for success */
void t_err(long ret, int err, const char *fmt, ...) __printf(3, 4);
void t_skip(const char *fmt, ...) __printf(1, 2);
void t_note(const char *fmt, ...) __printf(1, 2);
/* For what must not fail unless the test itself is broken. */
void t_need(bool ok, const char *what);
/* How many there were, for a process that goes on where another has ended */
struct ksft_count t_results(void);
void t_set_results(struct ksft_count results);

/*
 * A group of tests: group_end() checks that it left no file descriptor, no
 * dma-buf, no fence and no memory behind. What the kernel caches grows with the
 * machine: 8 MiB and a 128th of the memory may be missing. A call that leaked
 * would have lost LEAK_ROUNDS megabytes.
 */
#define MEMORY_TOLERANCE_KB(total_kb)	(8192 + (total_kb) / 128)

struct group {
	const char *name;
	int fds;
	int objects;
	int timelines;
	long free_kb;
};

void group_begin(struct group *g, const char *name);
void group_end(const struct group *g);

/* What is certain to happen is waited for that long: a test that goes well never waits. */
#define PATIENCE_MS	60000

/* CLOCK_MONOTONIC */
__u64 now_ns(void);
void nap_ms(long ms);

int count_fds(void);
/* Open files of the whole machine: also those that have lost their fd. */
int count_files(void);
/* The kernel's, that is: this program may have 32 bits on a kernel of 64. */
bool has_64_bits(void);
/* Whether dma-buf is the one in Rust: some of what C does differs, or is worse. Takes a second. */
bool is_rust_core(void);
/* Devices reach nothing else, in pieces of up to 256 KiB: swiotlb=force. */
bool has_bounce_buffers(void);
long meminfo_kb(const char *key);
/* Free memory, with the free pages that each CPU keeps for itself. */
long free_kb(void);
/*
 * Memory in the slab caches. Empty slabs are given back first, and what KASAN
 * has in quarantine, where the kernel lets us (CONFIG_SLUB_DEBUG).
 */
long slab_kb(void);
/* Objects in bufinfo, as it counts them; in "listed" how many lines look like one */
int bufinfo_total(int *listed);
/* The same; -1 if those are two numbers */
int count_objects(void);
/* The lines of bufinfo about the buffer of this fd; false if there are none. */
bool bufinfo_of(int fd, char *text, size_t len);
/* The checksum of the sample rust_dma_buf_importer. */
__u32 fnv1a(const void *bytes, size_t len);
/* How many devices are attached, -1 if the buffer is not known. */
int attached(int buf);
/* Whether none is, at once or a little later: some let go after they have answered. */
bool becomes_detached(int buf);
bool read_file(const char *path, char *text, size_t len);
bool write_file(const char *path, const char *text);
/*
 * The kernel's log from here on, and whether a warning, a bug or a misused
 * reference count was reported there since.
 */
int log_open(void);

struct log_record {
	char text[2048];
};

/* The next, if there is one. */
bool log_next(int log, struct log_record *record);
bool log_is_clean(int log);
/*
 * A signal every so often, to end a call that waits: again and again, because one
 * that comes before the wait does not end it. 0: no more of them.
 */
void interrupt_every_ms(unsigned int ms);

/* Heaps and buffers */
#define MAX_HEAPS	16

int list_heaps(char names[MAX_HEAPS][64]);
int open_heap(const char *name);
int alloc_fd(int heap, __u64 len);
int new_buffer(size_t len);
size_t page_size(void);
/* len is not 0 */
bool all_zero(const void *bytes, size_t len);
ino_t inode_of(int fd);

/* Memory that a system call should stumble over */
void *ptr_unmapped(void);
void *ptr_readonly(const void *data, size_t len);
/* Only the first "inside" bytes of data can be reached. */
void *ptr_straddle(const void *data, size_t len, size_t inside);
void ptr_free(void *p);
/* Refuses new file descriptors until it is called with false. */
void fd_table_full(bool full);

/* Importers: the DRM device of a driver (-1 without), its handle of a buffer */
int open_card(const char *driver);
/* For drivers of several, numbered from 0 */
int open_nth_card(const char *driver, int which);
/* If that fails for a copy (EFAULT) there may be a handle all the same; else it is 0 */
int prime_import(int card, int fd, __u32 *handle);
int gem_close(int card, __u32 handle);

/* Fences: sw_sync has no header of its own, its debugfs file is its interface. */
struct sw_sync_create {
	__u32 value;
	char name[32];
	__s32 fence;
};

struct sw_sync_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence;
};

#define SW_SYNC_CREATE		_IOWR('W', 0, struct sw_sync_create)
#define SW_SYNC_INC		_IOW('W', 1, __u32)
#define SW_SYNC_GET_DEADLINE	_IOWR('W', 2, struct sw_sync_deadline)

struct sync_fence_info;
struct sync_file_info;

int timeline_open(void);
/* Whether there are timelines; otherwise a test is skipped. */
bool have_fences(void);
int timeline_fence(int timeline, unsigned int value);
void timeline_inc(int timeline, unsigned int by);
/* The same where they may fail */
int timeline_try_fence(int timeline, unsigned int value);
int timeline_try_inc(int timeline, unsigned int by);
int import_fence(int buf, int fence, __u32 flags);
int export_fence(int buf, __u32 flags);
int merge_fences(int a, int b, const char *name);
/* What is in the file, and up to "room" of its fences: ioctl's return value. */
int fence_info(int fence, struct sync_file_info *info,
	       struct sync_fence_info *each, unsigned int room);
/* How many fences the file holds, and its status (status may be NULL) */
int fence_count(int fence, int *status);
int fence_status(int fence);
/* What poll() says at once: the events that are ready. */
int poll_now(int fd, int events);
/*
 * Whether all may access the buffer, within PATIENCE_MS. Who polls it is told
 * after those who look at its fences.
 */
bool becomes_idle(int buf);
/* Whether the fence signals, within PATIENCE_MS */
bool poll_signalled(int fence);
/*
 * How many timelines there are in sync/info. A timeline lives as long as the
 * last of its fences, so this finds every sw_sync fence that was not let go.
 */
int count_timelines(void);

#endif
