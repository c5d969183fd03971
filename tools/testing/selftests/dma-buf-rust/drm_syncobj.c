// SPDX-License-Identifier: GPL-2.0
/*
 * DRM's synchronisation objects, whose timelines are chains of fences. Any
 * driver with DRM_CAP_SYNCOBJ_TIMELINE would do; virtio-gpu is one that QEMU
 * has. Pending fences come from sw_sync.
 */
#include <pthread.h>
#include <sys/ioctl.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"
#include "syncobj.h"

#define NO_HANDLE	12345

static void test_arguments(void)
{
	struct drm_syncobj_create c = { .flags = 2 };
	__u32 obj = create(0);
	struct group g;

	group_begin(&g, "arguments");
	t_err(ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_CREATE, &c), EINVAL,
	      "create, flags");
	t_err(destroy(NO_HANDLE), EINVAL, "destroy, no such object");
	t_err(signal_point(NO_HANDLE, 1), ENOENT, "signal, no such object");
	t_err(wait_point(NO_HANDLE, 1, 0, 0), ENOENT, "wait, no such object");
	t_err(wait_point(obj, 1, 1U << 31, 0), EINVAL, "wait, flags");
	t_err(wait_point(obj, 0, 0, 0), EINVAL, "wait, no fence");
	t_err(wait_many(&obj, ptr_unmapped(), 1, 0, 0), EFAULT,
	      "wait, unmapped points");
	t_err(wait_many(ptr_unmapped(), NULL, 1, 0, 0), EFAULT,
	      "wait, unmapped handles");
	t_err(transfer(obj, 0, NO_HANDLE, 1, 0), ENOENT,
	      "transfer, no such object");
	t_err(transfer(NO_HANDLE, 0, obj, 1, 0), ENOENT,
	      "transfer, from no such object");
	t_err(transfer(obj, 0, obj, 1, 0), EINVAL, "transfer, no fence");
	t_err(transfer(obj, 0, obj, 1, 1U << 31), EINVAL, "transfer, flags");
	t_err(export_point(obj, 0), EINVAL, "export, no fence");
	t_err(export_point(NO_HANDLE, 0), ENOENT, "export, no such object");
	t_err(import_point(obj, 1, -1), EINVAL, "import, fd -1");
	t_err(import_point(obj, 1, syncobj_card), EINVAL, "import, the card");
	t_err(destroy(obj), 0, "destroy");
	t_err(destroy(obj), EINVAL, "destroy twice");
	group_end(&g);
}

/* Points that have signalled when they are made */
static void test_timeline(void)
{
	__u32 obj = create(0), binary = create(DRM_SYNCOBJ_CREATE_SIGNALED);
	struct group g;
	int fence;

	group_begin(&g, "a timeline");
	t_ok(query(obj, 0) == 0, "it begins at 0");
	t_err(wait_point(obj, 1, 0, 0), EINVAL, "1 does not exist");
	t_err(wait_point(obj, 1, FOR_SUBMIT, 20), ETIME, "wait until it does");
	t_err(wait_point(obj, 1, AVAILABLE, 20), ETIME, "or is available");
	t_err(signal_point(obj, 5), 0, "signal 5");
	t_ok(query(obj, 0) == 5 && query(obj, LAST_SUBMITTED) == 5, "it is at 5");
	t_err(wait_point(obj, 5, 0, 0), 0, "5 has signalled");
	t_err(wait_point(obj, 3, 0, 0), 0, "so has 3");
	t_err(wait_point(obj, 6, 0, 0), EINVAL, "6 does not exist");
	t_err(signal_point(obj, 1ULL << 40), 0, "signal 2^40");
	t_ok(query(obj, 0) == 1ULL << 40, "it is at 2^40");
	t_err(signal_point(obj, (1ULL << 40) + 1), 0, "and one more");
	t_ok(query(obj, 0) == (1ULL << 40) + 1, "it is there");
	fence = export_point(obj, 3);
	t_ok(fence >= 0 && fence_status(fence) == 1, "3, exported: signalled");
	close(fence);
	t_err(export_point(obj, 1ULL << 41), EINVAL, "2^41 cannot be exported");

	t_ok(query(binary, 0) == 0, "a binary object has no points");
	t_err(wait_point(binary, 0, 0, 0), 0, "made signalled, it is");
	t_err(wait_point(binary, 1, 0, 0), EINVAL, "it has no point 1");
	t_err(transfer(binary, 0, obj, 1ULL << 41, 0), 0, "transfer to 2^41");
	t_ok(query(obj, 0) == 1ULL << 41, "which has signalled");
	destroy(obj);
	destroy(binary);
	group_end(&g);
}

/* Points whose fences signal later */
static void test_pending(void)
{
	__u32 obj = create(0), binary = create(0), other = create(0);
	int line, fence, in_binary;
	struct group g;

	group_begin(&g, "fences of another driver");
	line = timeline_open();
	/* by way of a binary object, and straight to the point */
	fence = timeline_fence(line, 1);
	t_err(import_point(binary, 0, fence), 0, "import to a binary object");
	close(fence);
	t_err(transfer(binary, 0, obj, 10, 0), 0, "transfer to 10");
	pending_point(obj, 20, line, 2);
	t_ok(query(obj, 0) == 0 && query(obj, LAST_SUBMITTED) == 20,
	     "at 0, to go to 20");
	t_err(wait_point(obj, 10, 0, 20), ETIME, "10 is pending");
	t_err(wait_point(obj, 10, AVAILABLE, 20), 0, "but available");
	t_err(wait_point(obj, 21, AVAILABLE, 20), ETIME, "21 is not");
	t_err(transfer(obj, 20, other, 7, 0), 0, "20 to another's 7");
	t_err(transfer(obj, 15, other, 8, 0), 0, "15 to 8: that is 20 too");
	t_err(transfer(obj, 5, binary, 0, 0), 0, "5 to the binary object");
	fence = export_point(obj, 20);
	t_ok(fence_count(fence, NULL) == 2 && fence_status(fence) == 0,
	     "20, exported: two fences");
	in_binary = export_point(binary, 0);
	t_ok(fence_count(in_binary, NULL) == 1 && fence_status(in_binary) == 0,
	     "of the binary object: one");

	timeline_inc(line, 1);
	t_ok(query(obj, 0) == 10 && wait_point(obj, 10, 0, 0) == 0,
	     "10 has signalled");
	t_ok(wait_point(binary, 0, 0, 0) == 0 && poll_signalled(in_binary),
	     "so has the binary object");
	t_err(wait_point(obj, 11, 0, 20), ETIME, "11 has not");
	t_ok(query(other, 0) == 0 && fence_status(fence) == 0,
	     "nor have the others");
	timeline_inc(line, 1);
	t_ok(query(obj, 0) == 20, "20 has signalled");
	t_ok(query(other, 0) == 8, "with what was transferred");
	t_ok(poll_signalled(fence) && fence_status(fence) == 1,
	     "and exported");
	close(in_binary);
	close(fence);
	close(line);
	destroy(obj);
	destroy(other);
	destroy(binary);
	group_end(&g);
}

static void test_many(void)
{
	const __u64 points[3] = { 4, 4, 4 };
	int lines[3], got[3];
	__u32 objs[3];
	struct group g;

	group_begin(&g, "waiting for many");
	for (int i = 0; i < 3; i++) {
		lines[i] = timeline_open();
		objs[i] = create(0);
		if (i < 2)
			pending_point(objs[i], 4, lines[i], 1);
	}
	t_err(wait_many(objs, points, 3, 0, 20), EINVAL, "one has no fence");
	t_err(wait_many(objs, points, 2, 0, 20), ETIME, "any: none yet");
	t_err(wait_many(objs, points, 2, AVAILABLE | ALL, 20), 0,
	      "two are available");
	t_err(wait_many(objs, points, 3, AVAILABLE | ALL, 20), ETIME,
	      "three are not");
	t_ok(wait_many(objs, points, 3, AVAILABLE, 20) == 0, "one of three is");
	timeline_inc(lines[1], 1);
	got[0] = wait_many(objs, points, 2, 0, 20);
	got[1] = wait_many(objs, points, 3, FOR_SUBMIT, 20);
	t_ok(got[0] == 1 && got[1] == 1, "any: it is the second");
	t_err(wait_many(objs, points, 2, ALL, 20), ETIME, "all: not yet");
	timeline_inc(lines[0], 1);
	t_err(wait_many(objs, points, 2, ALL, 20), 0, "all: now");
	t_err(wait_many(objs, points, 3, ALL | FOR_SUBMIT, 20), ETIME,
	      "all three: not without a fence");
	pending_point(objs[2], 5, lines[2], 1);
	close(lines[2]);
	t_err(wait_many(objs, points, 3, ALL | FOR_SUBMIT, 20), 0,
	      "all three, the last with an error");
	for (int i = 0; i < 3; i++)
		destroy(objs[i]);
	close(lines[0]);
	close(lines[1]);
	group_end(&g);
}

struct waiter {
	pthread_t thread;
	__u32 obj;
	__u64 point;
	__u32 flags;
	int ret;
};

static void *wait_thread(void *arg)
{
	struct waiter *w = arg;

	w->ret = wait_point(w->obj, w->point, w->flags, PATIENCE_MS);
	return NULL;
}

static void wait_in_threads(struct waiter *w, int n, __u32 obj, __u32 flags)
{
	for (int i = 0; i < n; i++) {
		w[i] = (struct waiter){
			.obj = obj,
			.point = i + 1,
			.flags = flags,
		};
		t_need(!pthread_create(&w[i].thread, NULL, wait_thread, &w[i]),
		       "pthread_create");
	}
	nap_ms(200);
}

static bool all_came(struct waiter *w, int n)
{
	bool came = true;

	for (int i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		came &= w[i].ret == 0;
	}
	return came;
}

static void *step_thread(void *arg)
{
	for (int i = 0; i < 8; i++) {
		nap_ms(10);
		timeline_inc(*(int *)arg, 1);
	}
	return NULL;
}

static void test_threads(void)
{
	__u32 obj = create(0);
	struct waiter w[8];
	struct group g;
	pthread_t step;
	__u64 events;
	int line, ev;

	group_begin(&g, "waking");
	line = timeline_open();
	ev = tell_eventfd(obj, 8);
	wait_in_threads(w, 8, obj, FOR_SUBMIT);
	for (int i = 1; i <= 8; i++)
		pending_point(obj, i, line, i);
	if (ev >= 0)
		t_ok(read(ev, &events, sizeof(events)) < 0, "nothing happens");
	t_need(!pthread_create(&step, NULL, step_thread, &line), "thread");
	t_ok(all_came(w, 8), "8 threads wake, each for its point");
	pthread_join(step, NULL);
	if (ev >= 0) {
		t_ok(read(ev, &events, sizeof(events)) == sizeof(events) &&
		     events == 1, "so does the eventfd, once");
		close(ev);
	}
	wait_in_threads(w, 8, obj, 0);
	t_ok(all_came(w, 8), "nobody waits for what is over");
	close(line);
	destroy(obj);
	group_end(&g);
}

/* Waiting for a point is waiting for all before it, in whatever order they go. */
static void test_order(void)
{
	int lines[50], fence;
	__u32 obj = create(0);
	struct group g;
	bool early = false;
	__u64 at = 0;

	group_begin(&g, "the last signals first");
	for (int i = 0; i < 50; i++) {
		lines[i] = timeline_open();
		pending_point(obj, i + 1, lines[i], 1);
	}
	fence = export_point(obj, 50);
	t_ok(fence_count(fence, NULL) == 50, "50 fences");
	for (int i = 49; i > 0; i--) {
		timeline_inc(lines[i], 1);
		early |= wait_point(obj, i + 1, 0, 0) >= 0 ||
			 fence_status(fence) != 0;
		at += query(obj, 0);
	}
	t_ok(!early && at == 0, "none is reached without the first");
	timeline_inc(lines[0], 1);
	t_ok(wait_point(obj, 50, 0, PATIENCE_MS) == 0 && poll_signalled(fence) &&
	     query(obj, 0) == 50, "with the first, all are");
	for (int i = 0; i < 50; i++)
		close(lines[i]);
	close(fence);
	destroy(obj);
	group_end(&g);
}

/* A point that is lower than the last begins anew, behind what there was. */
static void test_unordered(void)
{
	__u32 obj = create(0);
	struct group g;
	int line;

	group_begin(&g, "points out of order");
	line = timeline_open();
	t_err(signal_point(obj, 10), 0, "signal 10");
	pending_point(obj, 5, line, 1);
	t_ok(query(obj, LAST_SUBMITTED) == 10, "5 after 10 counts as 10");
	t_ok(query(obj, 0) == 0, "which is not reached");
	t_err(wait_point(obj, 7, 0, 20), ETIME, "7 waits for it");
	timeline_inc(line, 1);
	t_ok(query(obj, 0) == 10, "it signals: 10 is reached");
	t_err(wait_point(obj, 7, 0, 0), 0, "and 7");
	t_err(signal_point(obj, 3), 0, "signal 3");
	t_err(signal_point(obj, 12), 0, "signal 12");
	t_ok(query(obj, 0) == 12, "it goes on to 12");
	close(line);
	destroy(obj);
	group_end(&g);
}

static void test_deadline(void)
{
	__u32 obj = create(0);
	__u64 point = 2;
	struct drm_syncobj_timeline_wait arg = {
		.handles = (uintptr_t)&obj,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE,
		.deadline_nsec = 4711,
	};
	struct sw_sync_deadline get;
	int line, fences[2], told = 0;
	struct group g;

	group_begin(&g, "deadlines");
	line = timeline_open();
	for (int i = 0; i < 2; i++) {
		fences[i] = timeline_fence(line, 1 + i);
		t_need(!import_point(obj, i + 1, fences[i]), "import");
	}
	t_err(ioctl(syncobj_card, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &arg), ETIME,
	      "wait with a deadline");
	for (int i = 0; i < 2; i++) {
		get = (struct sw_sync_deadline){ .fence = fences[i] };
		told += !ioctl(line, SW_SYNC_GET_DEADLINE, &get) &&
			get.deadline_ns == 4711;
		close(fences[i]);
	}
	t_ok(told == 2, "every fence up to the point is told");
	close(line);
	destroy(obj);
	group_end(&g);
}

/* A point's fences on a buffer, and merged with others */
static void test_exported(void)
{
	int lines[3], buf, fence, merged, got;
	__u32 obj = create(0);
	struct group g;

	group_begin(&g, "a point as a fence like any other");
	buf = new_buffer(page_size());
	for (int i = 0; i < 3; i++) {
		lines[i] = timeline_open();
		pending_point(obj, i + 1, lines[i], 1);
	}
	fence = export_point(obj, 3);
	t_err(import_fence(buf, fence, DMA_BUF_SYNC_WRITE), 0,
	      "on a buffer");
	got = export_fence(buf, DMA_BUF_SYNC_READ);
	t_ok(fence_count(got, NULL) == 3, "there it is three fences");
	merged = merge_fences(got, fence, "merged");
	t_ok(fence_count(merged, NULL) == 3, "merged with itself too");
	for (int i = 0; i < 3; i++) {
		t_ok(poll_now(buf, 1) == 0 && poll_now(fence, 1) == 0 &&
		     poll_now(merged, 1) == 0, "%d are left", 3 - i);
		timeline_inc(lines[i], 1);
	}
	t_ok(poll_signalled(fence) && poll_signalled(merged) &&
	     poll_signalled(buf) && poll_signalled(got), "all are over");
	for (int i = 0; i < 3; i++)
		close(lines[i]);
	close(fence);
	close(merged);
	close(got);
	close(buf);
	destroy(obj);
	group_end(&g);
}

#define LONG	10000
/* For each new point DRM walks all that is pending: as many as it can bear. */
#define PENDING	3000

static void test_long(void)
{
	int line, fence, failed = 0;
	__u32 obj = create(0);
	struct group g;

	group_begin(&g, "long chains");
	line = timeline_open();
	for (int i = 1; i <= LONG; i++)
		failed += signal_point(obj, i) != 0;
	t_ok(!failed && query(obj, 0) == LONG, "%d signalled points", LONG);
	destroy(obj);

	obj = create(0);
	for (int i = 1; i <= PENDING; i++)
		pending_point(obj, i, line, i);
	t_ok(query(obj, 0) == 0 && query(obj, LAST_SUBMITTED) == PENDING,
	     "%d pending points", PENDING);
	fence = export_point(obj, PENDING);
	t_ok(fence_count(fence, NULL) == PENDING && poll_now(fence, 1) == 0,
	     "all of them in one file");
	timeline_inc(line, PENDING / 2);
	t_ok(query(obj, 0) == PENDING / 2, "half of them signal");
	t_err(wait_point(obj, PENDING / 2, 0, 0), 0, "it can be waited for");
	t_err(wait_point(obj, PENDING, 0, 20), ETIME, "the rest is pending");
	timeline_inc(line, PENDING / 2);
	t_err(wait_point(obj, PENDING, 0, PATIENCE_MS), 0, "all have signalled");
	t_ok(poll_signalled(fence), "the file too");
	close(fence);
	destroy(obj);

	/* Let go while every fence is pending: the whole chain goes at once. */
	obj = create(0);
	for (int i = 1; i <= PENDING; i++)
		pending_point(obj, i, line, PENDING + i);
	t_err(destroy(obj), 0, "%d pending points are let go", PENDING);
	close(line);
	group_end(&g);
}

int main(void)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_SYNCOBJ_TIMELINE };

	t_begin();
	syncobj_card = open_card("virtio_gpu");
	if (syncobj_card < 0) {
		t_skip("no DRM device of virtio_gpu: load virtio-gpu, give QEMU one");
		return t_end();
	}
	if (ioctl(syncobj_card, DRM_IOCTL_GET_CAP, &cap) || !cap.value) {
		t_skip("virtio_gpu has no DRM_CAP_SYNCOBJ_TIMELINE");
		return t_end();
	}
	if (!have_fences())
		return t_end();
	test_arguments();
	test_timeline();
	test_pending();
	test_unordered();
	test_deadline();
	test_many();
	test_threads();
	test_order();
	test_exported();
	test_long();
	close(syncobj_card);
	return t_end();
}
