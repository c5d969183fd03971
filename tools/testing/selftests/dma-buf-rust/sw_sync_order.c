// SPDX-License-Identifier: GPL-2.0
/*
 * Fences that are made while a timeline of sw_sync signals many others.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common.h"

/* How many are signalled at once: that takes long enough to make thousands meanwhile. */
#define FENCES	8000
#define HALF	0x80000000u

static int line;
static int waiting[FENCES], far[FENCES];

/*
 * A number that lies half of all numbers ahead is past, and what waits for it is
 * signalled at once; when the timeline has come to FENCES, these are far ahead.
 * Among fences that are earlier than FENCES there is no place for them.
 */
static void *make_far_fences(void *arg)
{
	int *waits = arg;

	for (unsigned int i = 1; i < FENCES; i++) {
		far[i] = timeline_try_fence(line, HALF + i);
		if (far[i] >= 0 && !fence_status(far[i]))
			++*waits;
	}
	return NULL;
}

/* All that is reached is signalled, and nothing else, whatever comes meanwhile. */
static void test_far_fences(void)
{
	int waits = 0, late = 0, early = 0;
	pthread_t thread;
	struct group g;

	group_begin(&g, "fences made while others are signalled");
	line = timeline_open();
	for (unsigned int i = 0; i < FENCES; i++)
		waiting[i] = timeline_fence(line, i + 1);
	t_need(!pthread_create(&thread, NULL, make_far_fences, &waits), "a thread");
	/* the first of them are signalled at once */
	nap_ms(1);
	timeline_inc(line, FENCES);
	pthread_join(thread, NULL);
	t_note("%d of %d were far ahead when they were made", waits, FENCES - 1);
	for (unsigned int i = 0; i < FENCES; i++) {
		late += !fence_status(waiting[i]);
		close(waiting[i]);
	}
	t_ok(!late, "what is reached is signalled (%d are not)", late);
	timeline_inc(line, HALF - FENCES);
	for (unsigned int i = 1; i < FENCES; i++)
		early += fence_status(far[i]) == 1;
	t_ok(early == FENCES - 1 - waits, "what is not reached is not (%d more are)",
	     early - (FENCES - 1 - waits));
	timeline_inc(line, FENCES);
	for (unsigned int i = 1; i < FENCES; i++) {
		late += fence_status(far[i]) != 1;
		close(far[i]);
	}
	t_ok(!late, "and is later (%d are not)", late);
	close(line);
	group_end(&g);
}

int main(void)
{
	struct rlimit files = { .rlim_cur = 2 * FENCES + 100, .rlim_max = 2 * FENCES + 100 };

	t_begin();
	line = timeline_open();
	if (line < 0) {
		t_skip("no fences: cannot open " SW_SYNC " (CONFIG_SW_SYNC, debugfs)");
		return t_end();
	}
	close(line);
	t_need(!setrlimit(RLIMIT_NOFILE, &files), "many files");
	test_far_fences();
	return t_end();
}
