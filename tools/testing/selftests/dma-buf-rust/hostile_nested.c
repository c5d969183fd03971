// SPDX-License-Identifier: GPL-2.0
/*
 * A chain in the link of another, that in the link of a third, or in an array in
 * one, and so on: DRM puts the fence of a sync_file into a link as it is. Whatever
 * is done with that takes no more of the kernel's stack than with one such level,
 * it signals when all that is in it does, and is freed.
 *
 * C warns about each level, and has a call for each in most of what it does. So with
 * C this wants to be told how many levels there are to be, by hand.
 */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"
#include "stack.h"
#include "syncobj.h"

#define DEEPEST		2000

enum op {
	STATUS, DEADLINE, MERGE, IMPORT, ADD_LINK, QUERY, POLL, POLL_BUFFER, WAIT, NEST,
	SIGNAL, CLOSE, CLOSE_BUFFER, CLOSE_DONE, CLOSE_TIMELINE, OPS
};

static const char * const names[OPS] = {
	[STATUS] = "ask for the status", [DEADLINE] = "set a deadline",
	[MERGE] = "merge", [IMPORT] = "import", [ADD_LINK] = "add a link",
	[QUERY] = "query the timeline", [POLL] = "poll", [POLL_BUFFER] = "poll a buffer",
	[WAIT] = "wait", [NEST] = "make the next level", [SIGNAL] = "signal",
	[CLOSE] = "close", [CLOSE_BUFFER] = "close a buffer",
	[CLOSE_DONE] = "close what has signaled",
	[CLOSE_TIMELINE] = "close the timeline",
};

static int least[OPS];

static void do_ioctl(enum op op, int fd, unsigned long command, const void *arg)
{
	t_need(!stack_call(&least[op], "ioctl", fd, command, arg), names[op]);
}

static void do_poll(enum op op, int fd)
{
	t_need(!stack_call(&least[op], "poll", fd, 0, NULL), names[op]);
}

static void do_close(enum op op, int fd)
{
	t_need(!stack_call(&least[op], "close", fd, 0, NULL), names[op]);
}

/*
 * n levels. Each is a chain of two links: behind one with a fence of its own that
 * with the level below, in every third an array of that and another fence.
 */
struct nested {
	int n;
	__u32 obj;
	int fence;
	/* what is innermost, and what is beside it in each level */
	int inner;
	int beside;
};

static void put_link(enum op op, __u32 obj, int point, int fence)
{
	struct drm_syncobj_handle link = {
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE |
			 DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_TIMELINE,
		.handle = obj, .fd = fence, .point = point,
	};

	do_ioctl(op, syncobj_card, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &link);
}

static void build(struct nested *all, int n)
{
	all->n = n;
	all->inner = timeline_open();
	all->beside = timeline_open();
	t_need(all->inner >= 0 && all->beside >= 0, "timelines");
	all->fence = timeline_fence(all->inner, 1);
	for (int i = 1; i <= n; i++) {
		int beside = timeline_fence(all->beside, i);

		if (i % 3 == 0) {
			int array = merge_fences(all->fence, beside, "array");

			t_need(array >= 0, "an array");
			close(all->fence);
			all->fence = array;
		}
		all->obj = create(0);
		t_need(!import_point(all->obj, 1, beside), "a link");
		close(beside);
		put_link(NEST, all->obj, 2, all->fence);
		close(all->fence);
		all->fence = export_point(all->obj, 2);
		t_need(all->fence >= 0, "export a chain");
		if (i < n)
			destroy(all->obj);
	}
}

static int status(int fence)
{
	struct sync_file_info info = { };

	do_ioctl(STATUS, fence, SYNC_IOC_FILE_INFO, &info);
	return info.status;
}

static __u64 reached(__u32 obj)
{
	__u64 point = 0;
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&obj, .points = (uintptr_t)&point, .count_handles = 1,
	};

	do_ioctl(QUERY, syncobj_card, DRM_IOCTL_SYNCOBJ_QUERY, &array);
	return point;
}

/* All that can be done while it is pending. Returns whether it is. */
static bool use(const struct nested *all, int buf)
{
	struct dma_buf_import_sync_file import = {
		.flags = DMA_BUF_SYNC_RW, .fd = all->fence,
	};
	struct sync_set_deadline deadline = { .deadline_ns = now_ns() };
	int other = timeline_open();
	struct sync_merge_data merge = { .name = "merged", .fd2 = timeline_fence(other, 1) };
	__u64 point = 2;
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&all->obj, .points = (uintptr_t)&point,
		.count_handles = 1, .timeout_nsec = now_ns() + 10000000,
	};
	bool pending = !status(all->fence) && reached(all->obj) < 2;

	do_ioctl(DEADLINE, all->fence, SYNC_IOC_SET_DEADLINE, &deadline);
	do_ioctl(MERGE, all->fence, SYNC_IOC_MERGE, &merge);
	close(merge.fence);
	/* A reservation object takes none; C puts it there, and warns. */
	t_need(stack_call(&least[IMPORT], "ioctl", buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
			  &import) == (is_rust_core() ? -1 : 0), names[IMPORT]);
	put_link(ADD_LINK, all->obj, 3, merge.fd2);
	close(merge.fd2);
	do_poll(POLL, all->fence);
	do_poll(POLL_BUFFER, buf);
	t_need(stack_call(&least[WAIT], "ioctl", syncobj_card, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT,
			  &wait) && errno == ETIME, names[WAIT]);
	pending &= !status(all->fence) && reached(all->obj) < 2;
	/* signals, with an error */
	close(other);
	return pending;
}

/* What is pending when the last descriptor goes: only its fences keep it. */
static bool drop_pending(int n)
{
	struct nested all;
	int buf = new_buffer(page_size());
	bool pending;

	build(&all, n);
	pending = use(&all, buf);
	destroy(all.obj);
	do_close(CLOSE_BUFFER, buf);
	do_close(CLOSE, all.fence);
	do_close(CLOSE_TIMELINE, all.inner);
	close(all.beside);
	return pending;
}

/* What signals: the innermost last if "last". Returns whether that was when it should be. */
static bool signal_all(int n, bool last)
{
	struct nested all;
	int buf = new_buffer(page_size());
	__u32 by = 1;
	bool done;

	build(&all, n);
	done = use(&all, buf);
	if (last)
		timeline_inc(all.beside, n);
	else
		timeline_inc(all.inner, 1);
	done &= !poll_now(all.fence, POLLIN) && !status(all.fence);
	if (!last)
		by = n;
	do_ioctl(SIGNAL, last ? all.inner : all.beside, SW_SYNC_INC, &by);
	done &= poll_signalled(all.fence) && status(all.fence) == 1;
	done &= reached(all.obj) >= 2 && becomes_idle(buf);
	destroy(all.obj);
	close(buf);
	do_close(CLOSE_DONE, all.fence);
	close(all.inner);
	close(all.beside);
	return done;
}

/* What has signaled, but nobody has asked for that or waited for it */
static bool never_asked(int n)
{
	struct nested all;
	bool done;

	build(&all, n);
	timeline_inc(all.beside, n);
	timeline_inc(all.inner, 1);
	done = status(all.fence) == 1 && reached(all.obj) == 2;
	destroy(all.obj);
	close(all.fence);
	close(all.inner);
	close(all.beside);
	return done;
}

/* Some signal what others build, look at, and close. */
static void test_races(void)
{
	struct group g;
	struct nested all;
	int status, rounds = 60;
	bool done = true;
	pid_t child;

	group_begin(&g, "levels that signal meanwhile");
	while (rounds--) {
		int line = timeline_open();
		int fence = timeline_fence(line, 1);

		child = fork();
		t_need(child >= 0, "fork");
		if (!child) {
			usleep(rounds * 500);
			timeline_inc(line, 1);
			_exit(0);
		}
		for (int i = 0; i < 30; i++) {
			all.obj = create(0);
			t_need(!import_point(all.obj, 1, fence), "a link");
			close(fence);
			fence = export_point(all.obj, 1);
			t_need(fence >= 0, "export a chain");
			poll_now(fence, POLLIN);
			destroy(all.obj);
		}
		t_need(waitpid(child, &status, 0) == child, "waitpid");
		done &= poll_signalled(fence);
		close(fence);
		close(line);
	}
	t_ok(done, "all signal");
	group_end(&g);
}

static void test_levels(const int *levels, size_t count)
{
	int bytes[4][OPS], most = 0, grown;
	struct group g;

	group_begin(&g, "chains in chains");
	if (stack_measured) {
		most = stack_most();
		t_ok(stack_recursion() > most, "a frame for each level would be seen");
	}
	for (size_t i = 0; i < count; i++) {
		bool pending = true, done = true;

		for (int op = 0; op < OPS; op++)
			least[op] = INT_MAX;
		for (int times = levels[i] < DEEPEST ? 4 : 1; times; times--) {
			pending &= drop_pending(levels[i]);
			done &= signal_all(levels[i], true);
			done &= signal_all(levels[i], false);
		}
		t_ok(pending, "%d levels: pending while anything is", levels[i]);
		t_ok(done, "%d levels: signaled when all is", levels[i]);
		t_ok(never_asked(levels[i]), "%d levels: signaled, if nobody waits", levels[i]);
		memcpy(bytes[i], least, sizeof(least));
	}
	for (int op = 0; op < OPS && stack_measured; op++) {
		grown = 0;
		for (size_t i = 0; i < count; i++) {
			t_note("%s: %d bytes of the stack with %d levels", names[op], bytes[i][op],
			       levels[i]);
			grown = MAX(grown, bytes[i][op] - bytes[0][op]);
		}
		t_ok(grown <= most, "%s: no deeper with more levels", names[op]);
	}
	group_end(&g);
}

/* By hand: LEVELS */
int main(int argc, char **argv)
{
	const struct rlimit files = { .rlim_cur = DEEPEST, .rlim_max = DEEPEST };
	int levels[] = { 2, 20, 200, DEEPEST }, line;

	t_begin();
	t_need(!setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	syncobj_card = open_card("virtio_gpu");
	line = timeline_open();
	if (syncobj_card < 0 || line < 0) {
		t_skip("no chains to be had: needs virtio-gpu and sw_sync");
		return t_end();
	}
	close(line);
	stack_begin(NULL);
	if (argc > 1) {
		levels[1] = atoi(argv[1]);
		test_levels(levels, 2);
	} else if (!is_rust_core()) {
		t_skip("C warns, and may overflow the stack: hostile_nested LEVELS");
	} else {
		test_levels(levels, ARRAY_SIZE(levels));
		test_races();
	}
	stack_end();
	close(syncobj_card);
	return t_end();
}
