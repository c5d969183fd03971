// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for fences in poll(), what is left of fences that are merged, and
 * fences that end in an error. The fences come from sw_sync.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "common.h"

#define THREADS	8

static void test_poll(void)
{
	struct epoll_event ev = { .events = EPOLLIN }, got;
	int line, other, a, b, both, copy, ep;
	struct pollfd p;
	struct group g;

	group_begin(&g, "poll");
	line = timeline_open();
	other = timeline_open();
	a = timeline_fence(line, 1);
	b = timeline_fence(other, 1);
	both = merge_fences(a, b, "both");
	t_ok(poll_now(a, POLLIN | POLLOUT | POLLPRI) == 0, "pending: nothing");
	t_ok(poll_now(a, POLLIN | POLLOUT | POLLPRI) == 0, "asked again");
	p = (struct pollfd){ .fd = a, .events = POLLIN };
	t_ok(poll(&p, 1, 50) == 0, "poll for 50 ms times out");
	copy = dup(a);
	ep = epoll_create1(EPOLL_CLOEXEC);
	t_err(epoll_ctl(ep, EPOLL_CTL_ADD, both, &ev), 0, "epoll: add both");
	t_ok(epoll_wait(ep, &got, 1, 0) == 0, "epoll: not ready");
	timeline_inc(line, 1);
	t_ok(poll_now(a, POLLIN | POLLOUT | POLLPRI) == POLLIN,
	     "signalled: readable, nothing else");
	t_ok(poll_now(copy, POLLIN) == POLLIN, "so is its copy");
	t_ok(poll_now(a, POLLOUT) == 0, "only what was asked for");
	t_ok(poll_now(both, POLLIN) == 0, "one of two: pending");
	t_ok(epoll_wait(ep, &got, 1, 0) == 0, "epoll: not ready");
	timeline_inc(other, 1);
	t_ok(poll_signalled(both), "both: signalled");
	t_ok(epoll_wait(ep, &got, 1, PATIENCE_MS) == 1 && got.events == EPOLLIN,
	     "epoll: ready");
	close(ep);
	close(copy);
	close(a);
	close(b);
	close(both);
	close(line);
	close(other);
	group_end(&g);
}

struct waiter {
	pthread_t thread;
	int fd;
	int got;
};

static void *wait_in_poll(void *arg)
{
	struct waiter *w = arg;
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	poll(&p, 1, PATIENCE_MS);
	w->got = p.revents;
	return NULL;
}

static void wait_for(struct waiter *w, const int *fds, int n)
{
	for (int i = 0; i < THREADS; i++) {
		w[i].fd = fds[i % n];
		t_need(!pthread_create(&w[i].thread, NULL, wait_in_poll, &w[i]),
		       "pthread_create");
	}
	nap_ms(200);
}

static bool all_got(struct waiter *w, int events)
{
	bool woken = true;

	for (int i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		woken &= w[i].got == events;
	}
	return woken;
}

/* However a fence ends, every thread that waits for it wakes. */
static void test_wake(void)
{
	struct waiter w[THREADS];
	int line, other, fds[3];
	struct group g;

	group_begin(&g, "waking from poll");
	line = timeline_open();
	other = timeline_open();
	fds[0] = timeline_fence(line, 1);
	fds[1] = timeline_fence(line, 1);
	fds[2] = merge_fences(fds[0], fds[1], "same");
	wait_for(w, fds, 3);
	timeline_inc(line, 1);
	t_ok(all_got(w, POLLIN), "%d threads, three files of one fence", THREADS);
	for (int i = 0; i < 3; i++)
		close(fds[i]);

	fds[0] = timeline_fence(line, 2);
	fds[1] = timeline_fence(other, 1);
	fds[2] = merge_fences(fds[0], fds[1], "both");
	wait_for(w, &fds[2], 1);
	close(fds[0]);
	close(fds[1]);
	timeline_inc(line, 1);
	timeline_inc(other, 1);
	t_ok(all_got(w, POLLIN), "two timelines, their own files closed");
	close(fds[2]);

	/* poll() holds the file, but then looks for the fd. */
	fds[0] = timeline_fence(line, 3);
	wait_for(w, fds, 1);
	close(fds[0]);
	timeline_inc(line, 1);
	t_ok(all_got(w, POLLNVAL), "the fd is closed while they wait");

	fds[0] = timeline_fence(line, 4);
	fds[1] = timeline_fence(other, 2);
	fds[2] = merge_fences(fds[0], fds[1], "both");
	wait_for(w, fds, 3);
	close(line);
	close(other);
	t_ok(all_got(w, POLLIN), "the timelines end");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	group_end(&g);
}

/* Callbacks that poll set are gone with the file, whatever signals later. */
static void test_close_polled(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int line, other, ep, fds[4];
	bool pending = true;
	struct group g;

	group_begin(&g, "polled and closed");
	line = timeline_open();
	other = timeline_open();
	for (int i = 0; i < 8 * LEAK_ROUNDS; i++) {
		ep = epoll_create1(EPOLL_CLOEXEC);
		fds[0] = timeline_fence(line, i + 1);
		fds[1] = timeline_fence(line, i + 1);
		fds[2] = timeline_fence(other, i + 1);
		fds[3] = merge_fences(fds[0], fds[2], "both");
		for (int n = 0; n < 4; n++) {
			pending &= poll_now(fds[n], POLLIN) == 0;
			if (i & 1)
				epoll_ctl(ep, EPOLL_CTL_ADD, fds[n], &ev);
			/* every other time the last file is left to polls */
			if (n < 3 || i & 2)
				close(fds[n]);
		}
		if (i % 3 == 2)
			timeline_inc(line, 3);
		if (!(i & 2))
			close(fds[3]);
		close(ep);
	}
	t_ok(pending, "each was pending");
	timeline_inc(line, 8 * LEAK_ROUNDS);
	close(line);
	close(other);
	group_end(&g);
}

static __u64 signalled_at(int fence)
{
	struct sync_fence_info each = { 0 };
	struct sync_file_info info;

	t_need(!fence_info(fence, &info, &each, 1), "SYNC_IOC_FILE_INFO");
	return each.status == 1 ? each.timestamp_ns : 0;
}

/* A merged file holds what is worth waiting for, and no more. */
static void test_duplicates(void)
{
	int line, other, a, b, c, merged, again;
	__u64 first, second;
	struct group g;

	group_begin(&g, "merging what need not be kept");
	line = timeline_open();
	other = timeline_open();
	a = timeline_fence(line, 1);
	b = timeline_fence(line, 3);
	c = timeline_fence(other, 1);

	merged = merge_fences(a, a, "");
	t_ok(fence_count(merged, NULL) == 1, "the same file twice: 1 fence");
	again = merge_fences(merged, a, "");
	t_ok(fence_count(again, NULL) == 1, "once more: 1 fence");
	close(again);
	close(merged);

	merged = merge_fences(b, a, "");
	again = merge_fences(a, merged, "");
	t_ok(fence_count(merged, NULL) == 1 && fence_count(again, NULL) == 1,
	     "one timeline: 1 fence");
	timeline_inc(line, 1);
	t_ok(fence_status(merged) == 0 && fence_status(again) == 0,
	     "not the earlier");
	close(again);
	again = merge_fences(a, c, "");
	t_ok(fence_count(again, NULL) == 1 && fence_status(again) == 0,
	     "a signalled fence vanishes");
	close(again);
	again = merge_fences(c, a, "");
	t_ok(fence_count(again, NULL) == 1 && fence_status(again) == 0,
	     "in either order");
	close(again);
	timeline_inc(line, 2);
	t_ok(fence_status(merged) == 1, "but the later");
	close(merged);

	nap_ms(2);
	timeline_inc(other, 1);
	first = signalled_at(b);
	second = signalled_at(c);
	t_ok(first && second > first, "all have signalled, one after the other");
	merged = merge_fences(c, b, "");
	again = merge_fences(b, c, "");
	t_ok(fence_count(merged, NULL) == 1 && fence_status(merged) == 1 &&
	     fence_count(again, NULL) == 1 && fence_status(again) == 1,
	     "merged: 1 fence, signalled");
	t_ok(signalled_at(merged) == second && signalled_at(again) == second,
	     "when the last of them did");
	t_ok(poll_now(merged, POLLIN) == POLLIN, "poll says so");
	close(merged);
	close(again);

	close(a);
	close(b);
	close(c);
	close(line);
	close(other);
	group_end(&g);
}

#define LINES	100

/* Files of files of files: always flat, and never more than they must be. */
static void test_many(void)
{
	int lines[LINES], all, part, next, fence;
	struct sync_fence_info each[LINES];
	struct sync_file_info info;
	int signalled = 0;
	struct group g;

	group_begin(&g, "merging many");
	all = -1;
	for (int i = 0; i < LINES; i++) {
		lines[i] = timeline_open();
		fence = timeline_fence(lines[i], 1);
		next = merge_fences(all < 0 ? fence : all, fence, "all");
		close(fence);
		if (all >= 0)
			close(all);
		all = next;
	}
	t_ok(fence_count(all, NULL) == LINES, "%d timelines in one file", LINES);
	next = merge_fences(all, all, "twice");
	t_ok(fence_count(next, NULL) == LINES, "merged with itself: no more");
	close(next);

	/* Later fences of every other timeline take the place of the earlier. */
	part = -1;
	for (int i = 0; i < LINES; i += 2) {
		fence = timeline_fence(lines[i], 2);
		next = merge_fences(fence, part < 0 ? fence : part, "part");
		close(fence);
		if (part >= 0)
			close(part);
		part = next;
	}
	next = merge_fences(all, part, "both");
	t_ok(fence_count(part, NULL) == LINES / 2 &&
	     fence_count(next, NULL) == LINES, "later fences of one half");
	close(part);
	for (int i = 0; i < LINES; i++)
		timeline_inc(lines[i], 1);
	t_ok(poll_signalled(all) && fence_status(all) == 1,
	     "the earlier fences signal");
	t_ok(fence_status(next) == 0, "the later do not");
	t_err(fence_info(next, &info, each, LINES), 0, "the file tells of all");
	for (int i = 0; i < LINES; i++)
		signalled += each[i].status;
	t_ok(signalled == LINES / 2, "half of them have signalled");
	part = merge_fences(next, all, "rest");
	t_ok(fence_count(part, NULL) == LINES / 2 && fence_status(part) == 0,
	     "merged again: the other half");
	close(next);
	close(all);
	for (int i = 0; i < LINES; i++)
		timeline_inc(lines[i], 1);
	t_ok(poll_signalled(part), "all have signalled");
	close(part);
	for (int i = 0; i < LINES; i++)
		close(lines[i]);
	group_end(&g);
}

static void test_errors(void)
{
	int good, bad, a, b, both, later, quiet;
	struct group g;

	group_begin(&g, "fences that end in an error");
	good = timeline_open();
	bad = timeline_open();
	a = timeline_fence(good, 1);
	b = timeline_fence(bad, 1);
	both = merge_fences(a, b, "both");
	quiet = merge_fences(a, b, "quiet");
	t_ok(poll_now(both, POLLIN) == 0, "pending");
	close(bad);
	t_ok(poll_now(b, POLLIN) == POLLIN && fence_status(b) == -ENOENT,
	     "a timeline ends: %s", strerror(ENOENT));
	t_ok(poll_now(both, POLLIN) == 0 && fence_status(both) == 0,
	     "merged with one that is pending: pending");
	later = merge_fences(both, a, "later");
	t_ok(fence_count(later, NULL) == 1 && fence_status(later) == 0,
	     "merged again: it has vanished");
	timeline_inc(good, 1);
	t_ok(poll_signalled(both) && fence_status(both) == -ENOENT,
	     "both are over: the error is kept");
	/* Upstream's C forgets it if nobody has asked the array to signal. */
	t_ok(fence_status(quiet) == -ENOENT,
	     "also where nobody has polled");
	close(quiet);
	t_ok(poll_signalled(later) && fence_status(later) == 1,
	     "the file without it has none");
	close(later);

	later = merge_fences(b, both, "over");
	t_ok(fence_count(later, NULL) == 1 && fence_status(later) == 1,
	     "merged when all is over: a signalled fence");
	close(later);
	close(both);
	close(a);
	close(b);

	/* A fence of a timeline that ended while it had signalled already. */
	a = timeline_fence(good, 2);
	timeline_inc(good, 1);
	close(good);
	t_ok(fence_status(a) == 1, "signalled before the end: no error");
	close(a);
	group_end(&g);
}

int main(void)
{
	t_begin();
	if (!have_fences())
		return t_end();
	test_poll();
	test_wake();
	test_close_polled();
	test_duplicates();
	test_many();
	test_errors();
	return t_end();
}
