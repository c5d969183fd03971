// SPDX-License-Identifier: GPL-2.0
/*
 * Fences that are made while a timeline of sw_sync signals others. slow_fence.ko
 * has that take long.
 */
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "common.h"
#include "modules.h"

#define PARAMETERS	"/sys/module/slow_fence/parameters/"
#define FAR_FENCES	64
#define LAST		1000
#define HALF		0x80000000u

static int line;
static int far[FAR_FENCES];
/* A fence that is reached, and of which nobody has said so yet when it is asked */
static struct {
	int fence;
	struct sync_fence_info each;
	bool in_time;
} asked;

/* What is a number of the past before the timeline comes to LAST, and far ahead then */
static unsigned int far_number(unsigned int i)
{
	return HALF + 1 + i;
}

/* These are later than LAST, and earlier than 1: there is no order with both. */
static void *make_far_fences(void *arg)
{
	struct sync_file_info info;
	char text[8] = "N";

	for (__u64 end = now_ns() + PATIENCE_MS * 1000000ULL; now_ns() < end;) {
		t_need(read_file(PARAMETERS "signalling", text, sizeof(text)), "signalling");
		if (*text == 'Y')
			break;
	}
	*(bool *)arg = *text == 'Y';
	t_need(!fence_info(asked.fence, &info, &asked.each, 1), "SYNC_IOC_FILE_INFO");
	t_need(read_file(PARAMETERS "signalling", text, sizeof(text)), "signalling");
	asked.in_time = *text == 'Y';
	for (unsigned int i = 0; i < FAR_FENCES; i++)
		far[i] = timeline_try_fence(line, far_number(i));
	t_need(write_file(PARAMETERS "go_on", "1"), "go_on");
	return NULL;
}

static int far_signalled(void)
{
	int signalled = 0;

	for (unsigned int i = 0; i < FAR_FENCES; i++)
		signalled += fence_status(far[i]) == 1;
	return signalled;
}

/* Waits for fences without asking them: who asks has one signalled that is reached. */
static int wait_for(int fence, int waiter)
{
	struct epoll_event readable = { .events = EPOLLIN };

	t_need(!epoll_ctl(waiter, EPOLL_CTL_ADD, fence, &readable), "epoll_ctl");
	return fence;
}

/* All that is reached is signalled, and nothing else, whatever comes meanwhile. */
static void test_far_fences(void)
{
	struct epoll_event told[4];
	int waiter, first, next, last;
	bool in_time = false;
	pthread_t thread;
	struct group g;
	char text[16];

	group_begin(&g, "fences made while others are signalled");
	line = timeline_open();
	waiter = epoll_create1(EPOLL_CLOEXEC);
	t_need(waiter >= 0, "epoll_create1");
	first = wait_for(timeline_fence(line, 1), waiter);
	asked.fence = timeline_fence(line, LAST - 2);
	next = wait_for(timeline_fence(line, LAST - 1), waiter);
	last = wait_for(timeline_fence(line, LAST), waiter);
	snprintf(text, sizeof(text), "%d", first);
	t_need(write_file(PARAMETERS "fd", text), "fd");
	t_need(!pthread_create(&thread, NULL, make_far_fences, &in_time), "a thread");
	timeline_inc(line, LAST);
	t_ok(epoll_wait(waiter, told, ARRAY_SIZE(told), 0) == 3, "what is reached is signalled");
	pthread_join(thread, NULL);
	if (!in_time)
		t_note("this machine has made none of them while the first was signalled");
	if (!asked.in_time)
		t_note("and has not asked one then");
	t_ok(!asked.in_time || (asked.each.status == 1 &&
				!strcmp(asked.each.driver_name, "sw_sync")),
	     "one that is reached says so, and still has its names");
	t_ok(!far_signalled(), "what is far ahead is not");
	timeline_inc(line, HALF - LAST);
	t_ok(!far_signalled(), "nor if the timeline comes near");
	timeline_inc(line, FAR_FENCES / 2);
	t_ok(far_signalled() == FAR_FENCES / 2, "and is when it is reached");
	for (unsigned int i = 0; i < FAR_FENCES; i++)
		close(far[i]);
	close(waiter);
	close(first);
	close(asked.fence);
	close(next);
	close(last);
	close(line);
	t_err(module_unload("slow_fence"), 0, "unload");
	group_end(&g);
}

int main(int argc, char **argv)
{
	t_begin();
	if (!have_fences())
		return t_end();
	if (t_load_module(argc > 1 ? argv[1] : NULL, "slow_fence"))
		test_far_fences();
	return t_end();
}
