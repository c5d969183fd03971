// SPDX-License-Identifier: GPL-2.0
/*
 * Fences below fences, as deep as a process likes: whatever is done with them
 * takes no more of the kernel's stack than with two. The module call_stack does
 * it for us, and measures that; without it this only shows that the kernel survives.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/prctl.h>
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
	MERGE_CHAIN, MERGE_ARRAY, INFO, IMPORT_CHAIN, IMPORT_ARRAY, EXPORT, SYNC,
	ADD_LINK, WAIT_POINT, POLL_CHAIN, POLL_ARRAY, POLL_BUFFER, SIGNAL_CHAIN,
	SIGNAL_ARRAY, CLOSE_CHAIN, CLOSE_ARRAY, CLOSE_BUFFER,
	CLOSE_DONE_CHAIN, CLOSE_DONE_ARRAY, OPS
};

static struct stack_use uses[OPS] = {
	[MERGE_CHAIN] = { "merge a chain" }, [MERGE_ARRAY] = { "merge an array" },
	[INFO] = { "ask for an array's fences" }, [IMPORT_CHAIN] = { "import a chain" },
	[IMPORT_ARRAY] = { "import an array" }, [EXPORT] = { "export" },
	[SYNC] = { "wait with SYNC" }, [ADD_LINK] = { "add a link to a chain" },
	[WAIT_POINT] = { "wait for a chain" }, [POLL_CHAIN] = { "poll a chain" },
	[POLL_ARRAY] = { "poll an array" }, [POLL_BUFFER] = { "poll a buffer" },
	[SIGNAL_CHAIN] = { "signal a chain" }, [SIGNAL_ARRAY] = { "signal an array" },
	[CLOSE_CHAIN] = { "close a chain" }, [CLOSE_ARRAY] = { "close an array" },
	[CLOSE_BUFFER] = { "close a buffer" },
	[CLOSE_DONE_CHAIN] = { "close a chain that has signaled" },
	[CLOSE_DONE_ARRAY] = { "close an array that has signaled" },
};

/* A chain whose links have an array of two each, and an array; nothing has signaled. */
struct deep {
	int n;
	__u32 obj;
	int lines[2];
	int each[DEEPEST];
	int chain;
	int array;
};

static void build(struct deep *d, int n)
{
	static int fences[DEEPEST];

	d->n = n;
	d->obj = create(0);
	for (int i = 0; i < 2; i++) {
		d->lines[i] = timeline_open();
		t_need(d->lines[i] >= 0, "a timeline");
	}
	for (int i = 1; i <= n; i++) {
		int a = timeline_fence(d->lines[0], i), b = timeline_fence(d->lines[1], i);
		int link = merge_fences(a, b, "link");

		t_need(link >= 0 && !import_point(d->obj, i, link), "a link");
		close(a);
		close(b);
		close(link);
	}
	d->chain = export_point(d->obj, n);
	t_need(d->chain >= 0, "export a chain");
	/* one of each timeline: of those of the same only the last would stay */
	for (int i = 0; i < n; i++) {
		d->each[i] = timeline_open();
		t_need(d->each[i] >= 0, "a timeline");
		fences[i] = timeline_fence(d->each[i], 1);
	}
	for (; n > 1; n = (n + 1) / 2) {
		for (int i = 0; i < n / 2; i++) {
			int merged = merge_fences(fences[2 * i], fences[2 * i + 1], "array");

			t_need(merged >= 0, "merge");
			close(fences[2 * i]);
			close(fences[2 * i + 1]);
			fences[i] = merged;
		}
		if (n % 2)
			fences[n / 2] = fences[n - 1];
	}
	d->array = fences[0];
	t_need(fence_count(d->array, NULL) == d->n, "an array of all");
}

static void close_lines(struct deep *d)
{
	for (int i = 0; i < d->n; i++)
		close(d->each[i]);
	close(d->lines[0]);
	close(d->lines[1]);
}

/* What is pending until the last reference to it goes */
static void use_pending(int n)
{
	static struct sync_fence_info infos[DEEPEST];
	static struct deep d;
	int buf = new_buffer(page_size()), other = timeline_open();
	int single = timeline_fence(other, 1);
	struct sync_merge_data merge = { .name = "merged", .fd2 = single };
	struct sync_file_info info = {
		.num_fences = n, .sync_fence_info = (uintptr_t)infos,
	};
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_RW };
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	struct drm_syncobj_handle link = {
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE |
			 DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_TIMELINE,
		.fd = single, .point = n + 1,
	};

	build(&d, n);
	stack_ioctl(&uses[MERGE_CHAIN], d.chain, SYNC_IOC_MERGE, &merge);
	close(merge.fence);
	stack_ioctl(&uses[MERGE_ARRAY], d.array, SYNC_IOC_MERGE, &merge);
	close(merge.fence);
	stack_ioctl(&uses[INFO], d.array, SYNC_IOC_FILE_INFO, &info);
	import.fd = d.chain;
	stack_ioctl(&uses[IMPORT_CHAIN], buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import);
	import.fd = d.array;
	stack_ioctl(&uses[IMPORT_ARRAY], buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import);
	stack_ioctl(&uses[EXPORT], buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export);
	close(export.fd);
	interrupt_every_ms(20);
	t_need(stack_try_ioctl(&uses[SYNC], buf, DMA_BUF_IOCTL_SYNC, &sync) &&
	       errno == EINTR, "SYNC");
	interrupt_every_ms(0);
	link.handle = d.obj;
	stack_ioctl(&uses[ADD_LINK], syncobj_card, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &link);
	close(single);
	destroy(d.obj);
	stack_close(&uses[CLOSE_BUFFER], buf);
	stack_close(&uses[CLOSE_CHAIN], d.chain);
	stack_close(&uses[CLOSE_ARRAY], d.array);
	close_lines(&d);
	close(other);
}

/* What somebody waits for until it signals */
static bool use_signaled(int n)
{
	static struct deep d;
	int buf = new_buffer(page_size());
	__u64 point = n;
	__u32 by = n;
	struct drm_syncobj_timeline_wait wait = {
		.points = (uintptr_t)&point, .count_handles = 1,
	};
	bool done;

	build(&d, n);
	t_need(!import_fence(buf, d.chain, DMA_BUF_SYNC_RW), uses[IMPORT_CHAIN].name);
	t_need(!import_fence(buf, d.array, DMA_BUF_SYNC_RW), uses[IMPORT_ARRAY].name);
	stack_poll(&uses[POLL_BUFFER], buf);
	stack_poll(&uses[POLL_CHAIN], d.chain);
	stack_poll(&uses[POLL_ARRAY], d.array);
	wait.handles = (uintptr_t)&d.obj;
	wait.timeout_nsec = now_ns() + 100000000;
	t_need(stack_try_ioctl(&uses[WAIT_POINT], syncobj_card,
			       DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait) &&
	       errno == ETIME, uses[WAIT_POINT].name);
	/* no link has signaled before its second fence does: only that counts */
	timeline_inc(d.lines[0], n);
	stack_ioctl(&uses[SIGNAL_CHAIN], d.lines[1], SW_SYNC_INC, &by);
	for (int i = 0; i < n - 1; i++)
		timeline_inc(d.each[i], 1);
	by = 1;
	stack_ioctl(&uses[SIGNAL_ARRAY], d.each[n - 1], SW_SYNC_INC, &by);
	done = poll_signalled(d.chain) && poll_signalled(d.array) && becomes_idle(buf);
	destroy(d.obj);
	stack_close(&uses[CLOSE_DONE_CHAIN], d.chain);
	stack_close(&uses[CLOSE_DONE_ARRAY], d.array);
	close(buf);
	close_lines(&d);
	return done;
}

static void test_deep(void)
{
	const int depths[] = { 2, 20, 200, DEEPEST };
	struct stack_use seen[ARRAY_SIZE(depths)][OPS];
	int most = 0, grown;
	struct group g;

	group_begin(&g, "fences below fences");
	if (stack_measured) {
		most = stack_most();
		t_ok(stack_recursion() > most, "a frame for each fence would be seen");
	}
	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		bool done = true;

		stack_forget(uses, OPS);
		/* links are added by a walk of all: many take their time */
		for (int times = depths[i] < DEEPEST ? 8 : 2; times; times--) {
			use_pending(depths[i]);
			done &= use_signaled(depths[i]);
		}
		t_ok(done, "%d fences deep: all signal", depths[i]);
		memcpy(seen[i], uses, sizeof(uses));
	}
	for (int op = 0; op < OPS && stack_measured; op++) {
		t_note("%s: %d, %d, %d and %d bytes of the stack with 2, 20, 200 and %d fences",
		       uses[op].name, seen[0][op].least, seen[1][op].least,
		       seen[2][op].least, seen[3][op].least, DEEPEST);
		grown = 0;
		for (size_t i = 1; i < ARRAY_SIZE(depths); i++)
			grown = MAX(grown, seen[i][op].least - seen[0][op].least);
		t_ok(grown <= most, "%s: no deeper with more fences", uses[op].name);
	}
	group_end(&g);
}

int main(int argc, char **argv)
{
	const struct rlimit files = { .rlim_cur = 3 * DEEPEST, .rlim_max = 3 * DEEPEST };
	int line;

	t_begin();
	t_need(!setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	syncobj_card = open_card("virtio_gpu");
	line = timeline_open();
	if (syncobj_card < 0 || line < 0) {
		t_skip("no chains to be had: needs virtio-gpu and sw_sync");
		return t_end();
	}
	close(line);
	stack_begin(argc > 1 ? argv[1] : NULL);
	test_deep();
	stack_end();
	close(syncobj_card);
	return t_end();
}
