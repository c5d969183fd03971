// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once: threads allocate, close, name, poll, map and look at the
 * same few buffers. No call may fail in a way that a closed or exchanged fd
 * does not explain, and nothing may be left in the end.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "common.h"

#define THREADS	6
#define SLOTS	12
#define SECONDS	4
/* Calls, so that something was tested */
#define ENOUGH	100

static int slots[SLOTS];
static int heaps[MAX_HEAPS];
static int n_heaps;
static bool stop;

struct worker {
	pthread_t thread;
	/* Fences of its own, and the number of the last one; -1 without. */
	int timeline;
	unsigned int last;
	__u32 seed;
	unsigned long calls;
	unsigned long surprises;
	int surprise;
};

static __u32 rnd(struct worker *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 17;
	w->seed ^= w->seed << 5;
	return w->seed;
}

/* The number may have been closed, or given to another file meanwhile. */
static void check(struct worker *w, long ret)
{
	w->calls++;
	if (ret >= 0)
		return;
	switch (errno) {
	case EBADF:
	case ENOTTY:
	case EINVAL:
	case EACCES:
	case ENODEV:
	case ENXIO:
	case ESPIPE:
	case ENOENT:
	case EAGAIN:
		return;
	}
	w->surprise = errno;
	w->surprises++;
}

static void do_alloc(struct worker *w, int *slot)
{
	int fd = alloc_fd(heaps[rnd(w) % n_heaps],
			  (1 + rnd(w) % 16) * page_size());

	/* Others may have taken all there is of a small CMA region. */
	if (fd < 0) {
		if (errno != ENOMEM)
			check(w, fd);
		return;
	}
	fd = __atomic_exchange_n(slot, fd, __ATOMIC_ACQ_REL);
	if (fd >= 0)
		close(fd);
}

static void do_close(struct worker *w, int *slot)
{
	int fd = __atomic_exchange_n(slot, -1, __ATOMIC_ACQ_REL);

	if (fd >= 0)
		check(w, close(fd));
}

static void do_map(struct worker *w, int fd)
{
	size_t len = page_size();
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check(w, p == MAP_FAILED ? -1 : 0);
	if (p == MAP_FAILED)
		return;
	p[rnd(w) % len] = 1;
	munmap(p, len);
}

static void do_fences(struct worker *w, int fd)
{
	int fence = export_fence(fd, DMA_BUF_SYNC_RW);

	check(w, fence);
	if (fence >= 0) {
		check(w, import_fence(fd, fence, 1 + rnd(w) % 3));
		close(fence);
	}
	/*
	 * A fence that is pending for a moment, and that nobody may have by
	 * the time it signals: there, sw_sync in C makes refcount_t warn.
	 */
	if (w->timeline >= 0) {
		fence = timeline_fence(w->timeline, ++w->last);
		check(w, import_fence(fd, fence, 1 + rnd(w) % 3));
		close(fence);
		sched_yield();
		timeline_inc(w->timeline, 1);
	}
}

static void do_look(struct worker *w, int fd)
{
	char text[2048], path[64];

	if (rnd(w) & 1)
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	else
		snprintf(path, sizeof(path), BUFINFO);
	check(w, read_file(path, text, sizeof(text)) ? 0 : -1);
}

static void do_sync(struct worker *w, int fd)
{
	struct dma_buf_sync sync = {
		.flags = (1 + rnd(w) % 3) | (rnd(w) & DMA_BUF_SYNC_END),
	};

	check(w, ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
}

static void do_name(struct worker *w, int fd)
{
	char name[33] = "";

	memset(name, 'a' + rnd(w) % 26, rnd(w) % 33);
	check(w, ioctl(fd, DMA_BUF_SET_NAME, name));
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int *slot = &slots[rnd(w) % SLOTS];
		int fd = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

		switch (rnd(w) % 10) {
		case 0:
		case 1:
			do_alloc(w, slot);
			break;
		case 2:
			do_close(w, slot);
			break;
		case 3:
			do_name(w, fd);
			break;
		case 4:
			check(w, poll(&p, 1, 0));
			break;
		case 5:
			do_map(w, fd);
			break;
		case 6:
			do_look(w, fd);
			break;
		case 7:
			do_fences(w, fd);
			break;
		case 8:
			do_sync(w, fd);
			break;
		case 9:
			check(w, lseek(fd, 0, SEEK_END));
			break;
		}
	}
	return NULL;
}

static unsigned long all_calls(struct worker workers[THREADS])
{
	unsigned long calls = 0;

	for (int i = 0; i < THREADS; i++)
		calls += __atomic_load_n(&workers[i].calls, __ATOMIC_RELAXED);
	return calls;
}

int main(void)
{
	const struct timespec run = { .tv_sec = SECONDS };
	struct worker workers[THREADS] = { 0 };
	unsigned long calls, surprises = 0;
	char names[MAX_HEAPS][64];
	struct group g;

	t_begin();
	group_begin(&g, "everything at once");
	n_heaps = list_heaps(names);
	for (int i = 0; i < n_heaps; i++)
		heaps[i] = open_heap(names[i]);
	for (int i = 0; i < SLOTS; i++)
		slots[i] = -1;
	for (int i = 0; i < THREADS; i++) {
		workers[i].seed = 12345 + i;
		workers[i].timeline = timeline_open();
		t_need(!pthread_create(&workers[i].thread, NULL, work,
				       &workers[i]), "pthread_create");
	}
	nanosleep(&run, NULL);
	while (all_calls(workers) <= ENOUGH)
		nap_ms(20);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		surprises += workers[i].surprises;
		if (workers[i].timeline >= 0)
			close(workers[i].timeline);
		else
			t_note("no pending fences without CONFIG_SW_SYNC");
		if (workers[i].surprises)
			t_note("thread %d: %s", i,
			       strerror(workers[i].surprise));
	}
	calls = all_calls(workers);
	for (int i = 0; i < SLOTS; i++)
		if (slots[i] >= 0)
			close(slots[i]);
	while (n_heaps)
		close(heaps[--n_heaps]);
	t_note("%lu calls by %d threads in %d seconds", calls, THREADS, SECONDS);
	t_ok(!surprises, "no call fails without a reason");
	t_ok(calls > ENOUGH, "the threads got on");
	group_end(&g);
	return t_end();
}
