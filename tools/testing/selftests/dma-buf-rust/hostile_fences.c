// SPDX-License-Identifier: GPL-2.0
/*
 * Fences below fences, as deep as a process likes: whatever is done with them
 * takes no more of the kernel's stack than with two. Measured by a kernel with
 * CONFIG_DEBUG_STACK_USAGE; others only show that they survive.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"
#include "syncobj.h"

/* Everything that is done with a fence, which has so many below it. */
static void use_chain(int depth)
{
	int line = timeline_open(), other = timeline_open();
	int buf, fence, single, merged = -1, exported;
	struct sync_file_info info;
	__u32 obj = create(0);

	buf = new_buffer(page_size());
	for (int i = 1; i <= depth; i++)
		pending_point(obj, i, line, i);
	fence = export_point(obj, depth);
	for (int i = 1; i <= 50; i++) {
		/* arrays, merged with each other and with the chain */
		single = timeline_fence(other, i);
		exported = merge_fences(merged < 0 ? fence : merged, single, "merged");
		t_need(exported >= 0, "merge");
		close(single);
		if (merged >= 0)
			close(merged);
		merged = exported;
	}
	fence_info(merged, &info, NULL, 0);
	poll_now(merged, 1);
	t_need(!import_fence(buf, fence, DMA_BUF_SYNC_READ), "import a chain");
	t_need(!import_fence(buf, merged, DMA_BUF_SYNC_WRITE), "import an array");
	exported = export_fence(buf, DMA_BUF_SYNC_RW);
	t_need(exported >= 0, "export");
	poll_now(buf, 1);
	timeline_inc(line, depth / 2);
	close(exported);
	close(merged);
	close(fence);
	destroy(obj);
	/* the last reference: all that is pending goes at once */
	close(buf);
	close(line);
	close(other);
}

/* What the task has left of its stack, if it used more than any before it; else 0. */
static long stack_left_by(int log, int depth)
{
	struct log_record record;
	pid_t child = fork();
	int status = -1;
	char words[64];
	long left = 0;

	t_need(child >= 0, "fork");
	if (!child) {
		use_chain(depth);
		_exit(0);
	}
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_ok(!status, "%d fences deep", depth);
	snprintf(words, sizeof(words), "(%d) used greatest stack depth: ", child);
	while (log_next(log, &record)) {
		const char *at = strstr(record.text, words);

		if (at)
			left = atol(at + strlen(words));
	}
	return left;
}

static void test_deep(void)
{
	const int depths[] = { 2, 20, 200, 2000 };
	long left, before = 0;
	struct group g;
	int log, line;

	group_begin(&g, "fences below fences");
	syncobj_card = open_card("virtio_gpu");
	line = timeline_open();
	if (syncobj_card < 0 || line < 0) {
		t_skip("no chains to be had: needs virtio-gpu and sw_sync");
		return;
	}
	close(line);
	log = log_open();
	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		left = stack_left_by(log, depths[i]);
		if (!left) {
			t_note("%d deep: the kernel has said nothing of the stack", depths[i]);
			continue;
		}
		t_note("%d deep: %ld bytes of the stack are left", depths[i], left);
		/* interrupts come where they like; a frame for each fence is another matter */
		if (before)
			t_ok(before - left < 2048, "ten times as many do not take more stack");
		before = left;
	}
	close(log);
	close(syncobj_card);
	group_end(&g);
}

int main(void)
{
	t_begin();
	test_deep();
	return t_end();
}
