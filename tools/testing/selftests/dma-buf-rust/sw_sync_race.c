// SPDX-License-Identifier: GPL-2.0
/*
 * Fences of sw_sync that are let go of while they signal.
 */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "common.h"

#define SECONDS	4

/* The timeline, and how far it has come. */
static int line;
static unsigned int reached;
static bool stop;

/* Values that are about to be reached: the fence goes while it signals. */
static void *make_fences(void *arg)
{
	unsigned long *rounds = arg;

	do {
		unsigned int next = __atomic_load_n(&reached, __ATOMIC_RELAXED);

		close(timeline_fence(line, next + 1 + *rounds % 32));
		++*rounds;
	} while (!__atomic_load_n(&stop, __ATOMIC_RELAXED));
	return NULL;
}

static void *signal_fences(void *arg)
{
	unsigned long *rounds = arg;

	do {
		__atomic_add_fetch(&reached, 1, __ATOMIC_RELAXED);
		timeline_inc(line, 1);
		++*rounds;
	} while (!__atomic_load_n(&stop, __ATOMIC_RELAXED));
	return NULL;
}

static void *read_info(void *arg)
{
	unsigned long *rounds = arg;

	do {
		count_timelines();
		++*rounds;
	} while (!__atomic_load_n(&stop, __ATOMIC_RELAXED));
	return NULL;
}

/*
 * The last reference to a fence goes while its timeline signals it, while
 * another task asks for the same value, and while sync/info shows it. sw_sync
 * in C fails here: it takes a reference to a fence that has none left, and
 * the log says "refcount_t: addition on 0; use-after-free".
 */
static void test_race(void)
{
	static void *(* const work[])(void *) = {
		make_fences, signal_fences, make_fences, read_info,
	};
	unsigned long rounds[ARRAY_SIZE(work)] = { 0 };
	pthread_t threads[ARRAY_SIZE(work)];
	int log = log_open();
	struct group g;

	group_begin(&g, "fences that go while they signal");
	line = timeline_open();
	for (size_t i = 0; i < ARRAY_SIZE(work); i++)
		t_need(!pthread_create(&threads[i], NULL, work[i], &rounds[i]),
		       "pthread_create");
	nap_ms(SECONDS * 1000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < ARRAY_SIZE(work); i++)
		pthread_join(threads[i], NULL);
	close(line);
	t_note("%lu and %lu fences, %lu steps, %lu looks", rounds[0], rounds[2],
	       rounds[1], rounds[3]);
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	group_end(&g);
	close(log);
}

#define FENCES	16

struct closer {
	pthread_barrier_t start;
	int fences[FENCES];
	bool stop;
};

static void *close_fences(void *arg)
{
	struct closer *c = arg;

	for (;;) {
		pthread_barrier_wait(&c->start);
		if (c->stop)
			return NULL;
		for (int i = 0; i < FENCES; i++)
			close(c->fences[i]);
		pthread_barrier_wait(&c->start);
	}
}

/* A timeline ends while its fences go. */
static void test_end_race(void)
{
	__u64 end = now_ns() + SECONDS * 500000000ULL;
	struct closer c = { .stop = false };
	int log = log_open();
	pthread_t thread;
	int rounds = 0;
	struct group g;

	group_begin(&g, "fences that go with their timeline");
	pthread_barrier_init(&c.start, NULL, 2);
	t_need(!pthread_create(&thread, NULL, close_fences, &c), "thread");
	while (!rounds || now_ns() < end) {
		line = timeline_open();
		for (int i = 0; i < FENCES; i++)
			c.fences[i] = timeline_fence(line, 1 + i / 2);
		pthread_barrier_wait(&c.start);
		close(line);
		pthread_barrier_wait(&c.start);
		rounds++;
	}
	c.stop = true;
	pthread_barrier_wait(&c.start);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&c.start);
	t_note("%d timelines", rounds);
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	group_end(&g);
	close(log);
}

static void put_fence(int buf, unsigned int value)
{
	int fence = timeline_fence(line, value);

	t_need(!import_fence(buf, fence, DMA_BUF_SYNC_WRITE), "import a fence");
	close(fence);
}

/*
 * poll on a buffer keeps a reference to the fence it waits for, and lets go of
 * it when that signals. Here it is the last one: a later fence of the timeline
 * has taken the place of the first on the buffer. sw_sync in C hangs for ever
 * when the timeline ends: the fence's end takes the lock it is signalled under.
 */
static void test_last_reference(void)
{
	bool right = true;
	struct group g;
	int buf;

	group_begin(&g, "a fence whose last reference goes in its signal");
	buf = new_buffer(page_size());
	for (int i = 0; i < LEAK_ROUNDS; i++) {
		line = timeline_open();
		put_fence(buf, 1);
		right &= poll_now(buf, POLLIN) == 0;
		put_fence(buf, 2);
		if (i % 2)
			timeline_inc(line, 2);
		close(line);
		right &= poll_now(buf, POLLIN) == POLLIN;
	}
	t_ok(right, "the timeline steps, or ends");
	close(buf);
	group_end(&g);
}

int main(void)
{
	t_begin();
	if (!have_fences())
		return t_end();
	test_end_race();
	test_race();
	test_last_reference();
	return t_end();
}
