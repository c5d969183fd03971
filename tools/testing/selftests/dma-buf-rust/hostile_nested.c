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
#include <poll.h>
#include <stdlib.h>
#include <sys/param.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"
#include "stack.h"
#include "syncobj.h"

/* If each goes along all those before it, half a million steps */
#define SIBLINGS	1000

enum op {
	STATUS, DEADLINE, MERGE, IMPORT, ADD_LINK, QUERY, POLL, WAIT, NEST, SIGNAL, CLOSE,
	CLOSE_DONE, CLOSE_TIMELINE, OPS
};

static struct stack_use uses[OPS] = {
	[STATUS] = { "ask for the status" }, [DEADLINE] = { "set a deadline" },
	[MERGE] = { "merge" }, [IMPORT] = { "import" }, [ADD_LINK] = { "add a link" },
	[QUERY] = { "query the timeline" }, [POLL] = { "poll" }, [WAIT] = { "wait" },
	[NEST] = { "make the next level" }, [SIGNAL] = { "signal" }, [CLOSE] = { "close" },
	[CLOSE_DONE] = { "close what has signaled" },
	[CLOSE_TIMELINE] = { "close the timeline" },
};

/*
 * Each level is a chain of two links: one with the level below, which is the first
 * or the second, and one with a fence beside it. In every so manieth there is an
 * array of the level below and what is beside it, in place of the former.
 */
struct shape {
	const char *name;
	bool first;
	int array;
};

static const struct shape shapes[] = {
	{ "links", false, 0 },
	{ "links behind others", true, 0 },
	{ "arrays in each other level", false, 2 },
	{ "arrays in each third, behind others", true, 3 },
};

struct nested {
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

	stack_ioctl(&uses[op], syncobj_card, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &link);
}

static void build(struct nested *all, const struct shape *shape, int n)
{
	all->inner = timeline_open();
	all->beside = timeline_open();
	t_need(all->inner >= 0 && all->beside >= 0, "timelines");
	all->fence = timeline_fence(all->inner, 1);
	for (int i = 1; i <= n; i++) {
		int beside = timeline_fence(all->beside, i);

		if (shape->array && i % shape->array == 0) {
			int array = merge_fences(all->fence, beside, "array");

			t_need(array >= 0, "an array");
			close(all->fence);
			all->fence = array;
		}
		all->obj = create(0);
		put_link(NEST, all->obj, 1, shape->first ? all->fence : beside);
		put_link(NEST, all->obj, 2, shape->first ? beside : all->fence);
		close(beside);
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

	stack_ioctl(&uses[STATUS], fence, SYNC_IOC_FILE_INFO, &info);
	return info.status;
}

static __u64 reached(__u32 obj)
{
	__u64 point = 0;
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&obj, .points = (uintptr_t)&point, .count_handles = 1,
	};

	stack_ioctl(&uses[QUERY], syncobj_card, DRM_IOCTL_SYNCOBJ_QUERY, &array);
	return point;
}

static int import(int buf, int fence)
{
	struct dma_buf_import_sync_file arg = { .flags = DMA_BUF_SYNC_RW, .fd = fence };

	return stack_try_ioctl(&uses[IMPORT], buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg);
}

/* All that can be done while it is pending. Returns whether it is. */
static bool use(const struct nested *all, int buf, int next_point)
{
	struct sync_set_deadline deadline = { .deadline_ns = now_ns() };
	int other = timeline_open();
	struct sync_merge_data merge = { .name = "merged", .fd2 = timeline_fence(other, 1) };
	__u64 point = 2;
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&all->obj, .points = (uintptr_t)&point,
		.count_handles = 1,
	};
	bool pending = !status(all->fence) && reached(all->obj) < 2;

	stack_ioctl(&uses[DEADLINE], all->fence, SYNC_IOC_SET_DEADLINE, &deadline);
	stack_ioctl(&uses[MERGE], all->fence, SYNC_IOC_MERGE, &merge);
	close(merge.fence);
	/*
	 * A reservation object takes no container that is pending, nor then what is beside
	 * it; C puts it there, and warns.
	 */
	if (import(buf, all->fence)) {
		t_need(is_rust_core() && errno == EINVAL, uses[IMPORT].name);
		pending &= poll_now(buf, POLLIN | POLLOUT) == (POLLIN | POLLOUT);
	}
	put_link(ADD_LINK, all->obj, next_point, merge.fd2);
	close(merge.fd2);
	stack_poll(&uses[POLL], all->fence);
	wait.timeout_nsec = now_ns() + 1000000;
	t_need(stack_try_ioctl(&uses[WAIT], syncobj_card, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait) &&
	       errno == ETIME, uses[WAIT].name);
	pending &= !status(all->fence) && reached(all->obj) < 2;
	/* signals, with an error */
	close(other);
	return pending;
}

static void drop(struct nested *all)
{
	destroy(all->obj);
	stack_close(&uses[CLOSE_DONE], all->fence);
	close(all->inner);
	close(all->beside);
}

/* What is pending when the last descriptor goes: only its fences keep it. */
static bool drop_pending(const struct shape *shape, int n)
{
	struct nested all;
	int buf = new_buffer(page_size());
	bool pending;

	build(&all, shape, n);
	pending = use(&all, buf, 3);
	destroy(all.obj);
	close(buf);
	stack_close(&uses[CLOSE], all.fence);
	stack_close(&uses[CLOSE_TIMELINE], all.inner);
	stack_close(&uses[CLOSE_TIMELINE], all.beside);
	return pending;
}

/* What signals: the innermost last if "last". Returns whether that was when it should be. */
static bool signal_all(const struct shape *shape, int n, bool last)
{
	struct nested all;
	int buf = new_buffer(page_size());
	__u32 by = last ? 1 : n;
	bool done;

	build(&all, shape, n);
	if (last)
		timeline_inc(all.beside, n);
	else
		timeline_inc(all.inner, 1);
	done = use(&all, buf, 3) && !poll_now(all.fence, POLLIN);
	stack_ioctl(&uses[SIGNAL], last ? all.inner : all.beside, SW_SYNC_INC, &by);
	done &= poll_signalled(all.fence) && status(all.fence) == 1;
	done &= reached(all.obj) >= 2 && !import(buf, all.fence) && becomes_idle(buf);
	close(buf);
	drop(&all);
	return done;
}

/* What has signaled, but nobody waits for it */
static bool never_waited(const struct shape *shape, int n)
{
	struct nested all;
	const __u64 end = now_ns() + PATIENCE_MS * 1000000ULL;
	bool done;

	build(&all, shape, n);
	timeline_inc(all.beside, n);
	timeline_inc(all.inner, 1);
	/* a level after the other, by interrupts, or by a thread that makes them */
	do
		done = status(all.fence) == 1 && reached(all.obj) == 2;
	while (!done && now_ns() < end);
	drop(&all);
	return done;
}

/* One chain in each of many links, all of which go on when it signals. */
static void test_siblings(void)
{
	int line, fence, chain, told[3];
	__u32 inner, obj;
	struct group g;
	bool done = true;

	group_begin(&g, "a chain in many links");
	line = timeline_open();
	fence = timeline_fence(line, 1);
	inner = create(0);
	obj = create(0);
	t_need(!import_point(inner, 1, fence), "a link");
	chain = export_point(inner, 1);
	t_need(chain >= 0, "export a chain");
	for (int i = 1; i <= SIBLINGS; i++)
		t_need(!import_point(obj, i, chain), "a link");
	/* by a callback: nobody asks */
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		told[i] = tell_eventfd(obj, 1 + i * (SIBLINGS - 1) / 2);
	t_ok(reached(obj) == 0, "%d links: pending", SIBLINGS);
	timeline_inc(line, 1);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		done &= poll_signalled(told[i]);
		close(told[i]);
	}
	t_ok(done && reached(obj) == SIBLINGS, "%d links: signaled", SIBLINGS);
	destroy(inner);
	destroy(obj);
	close(chain);
	close(fence);
	close(line);
	group_end(&g);
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

/* Returns whether no call takes more than "most" bytes more than in "first". */
static bool compare(const struct shape *shape, const struct stack_use *first, int n,
		    int most)
{
	bool flat = true;

	for (int op = 0; op < OPS; op++) {
		const bool deeper = uses[op].least - first[op].least > most;

		flat &= !deeper;
		t_note("%s: %s: %d bytes of the stack with %d levels%s", shape->name,
		       uses[op].name, uses[op].least, n, deeper ? ": TOO DEEP" : "");
	}
	return flat;
}

static void test_shape(const struct shape *shape, const int *levels, size_t count, int most)
{
	struct stack_use first[OPS];
	struct group g;

	group_begin(&g, shape->name);
	for (size_t i = 0; i < count; i++) {
		const int n = levels[i];
		bool pending = true, done = true, flat;

		stack_forget(uses, OPS);
		for (int times = n < 100 ? 4 : 1; times; times--) {
			pending &= drop_pending(shape, n);
			done &= signal_all(shape, n, true);
			done &= signal_all(shape, n, false);
		}
		t_ok(pending, "%d levels: pending while anything is", n);
		t_ok(done, "%d levels: signaled when all is", n);
		t_ok(never_waited(shape, n), "%d levels: signaled, if nobody waits", n);
		if (!i)
			memcpy(first, uses, sizeof(uses));
		if (!stack_measured)
			continue;
		flat = compare(shape, first, n, most);
		t_ok(flat, "%d levels: no call goes deeper", n);
		/* on to more levels only while there is stack for them */
		if (!flat)
			break;
	}
	group_end(&g);
}

static void test_levels(const int *levels, size_t count)
{
	int most = 0;

	if (stack_measured) {
		most = stack_most();
		t_ok(stack_recursion() > most, "a frame for each level would be seen");
	}
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		test_shape(&shapes[i], levels, count, most);
}

/* By hand: LEVELS */
int main(int argc, char **argv)
{
	int levels[] = { 2, 21, 60, 200, 600 }, line;

	t_begin();
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
		test_siblings();
		test_races();
	}
	stack_end();
	close(syncobj_card);
	return t_end();
}
