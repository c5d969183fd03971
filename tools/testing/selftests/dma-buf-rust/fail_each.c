// SPDX-License-Identifier: GPL-2.0
/*
 * Each ioctl and file operation, and each exported function that allocates, with
 * a fault at its first, second, third, ... place, until it succeeds untouched.
 * What fails says why, leaves nothing behind, and works when it is tried again.
 * The places are printed: lib/failure_points.py compares them with all there are.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/memfd.h>
#include <linux/sync_file.h>

#include "fail_each.h"
#include "faults.h"
#include "modules.h"

#define MAX_FAULTS	600
#define CALLS		"/sys/kernel/debug/dma_buf_failing/call"

static bool is_expected(const struct operation *op, int err)
{
	return err == ENOMEM || err == EFAULT || (op->also && err == op->also);
}

static void fail_each(const struct operation *op)
{
	int n, failed = 0, wrong = 0, leaks = 0, again = 0, points = 0;
	struct counts before;

	if (op->ready && !op->ready()) {
		t_skip("%s: not to be had here", op->name);
		return;
	}
	/* once without faults, for what the kernel keeps from the first time */
	t_err(op->act(), 0, "%s", op->name);
	op->undo();
	before = count_all();
	fault_points();
	for (n = 1; n <= MAX_FAULTS; n++) {
		int ret, err;
		bool hit;

		fault_arm(n);
		ret = op->act();
		err = errno;
		hit = fault_disarm();
		points += fault_points();
		op->undo();
		if (!hit)
			break;
		leaks += !nothing_left(&before, op->name, n);
		if (ret >= 0)
			continue;
		failed++;
		if (!is_expected(op, err)) {
			wrong++;
			t_note("%s, fault %d: %s", op->name, n, strerror(err));
		}
		again += op->act() < 0;
		op->undo();
	}
	t_note("%s: %d faults, %d failures, %d new places", op->name, n - 1, failed,
	       points);
	t_ok(n <= MAX_FAULTS && !wrong && !leaks && !again,
	     "%s: fails as it should, leaves nothing, works again", op->name);
	if (leaks || again)
		t_note("%s: %d leaks, %d that did not work again", op->name, leaks, again);
}

/* The exported functions, in a module that is told which, and with which buffer */
static char called[64];
static int call_fd = -1;

static int act_call(void)
{
	return pwrite(call_fd, called, strlen(called), 0) < 0 ? -1 : 0;
}

static void undo_nothing(void)
{
}

static void fail_call(const char *name, const char *what, int fd)
{
	char title[80];
	const struct operation op = {
		.name = title, .act = act_call, .undo = undo_nothing,
	};

	snprintf(title, sizeof(title), "%s%s%s", name, what ? " of " : "", what ? what : "");
	if (what)
		snprintf(called, sizeof(called), "%s %d", name, fd);
	else
		snprintf(called, sizeof(called), "%s", name);
	fail_each(&op);
}

static void test_calls(void)
{
	static const char * const names[] = {
		"dma_buf_export", "dma_buf_attach", "dma_buf_fd",
		"dma_resv_get_fences", "dma_resv_get_singleton",
		"dma_resv_copy_fences", "dma_fence_array_create",
		"dma_fence_unwrap_merge", "dma_fence_allocate_private_stub",
		"dma_fence_wait_any_timeout", "sync_file_create",
		"dma_heap_add_owned",
	};
	static const char * const with_buffer[] = {
		"dma_buf_map_attachment", "dma_buf_vmap",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		fail_call(names[i], NULL, -1);
	for (size_t i = 0; i < ARRAY_SIZE(with_buffer); i++) {
		fail_call(with_buffer[i], "the system heap", things.buf);
		if (things.contiguous >= 0)
			fail_call(with_buffer[i], "a CMA heap", things.contiguous);
		if (things.shared >= 0)
			fail_call(with_buffer[i], "a udmabuf", things.shared);
	}
}

/*
 * To map for a device has no faults to inject, but with bounce buffers a piece of
 * more than 256 KiB cannot be mapped.
 */
static void test_mapping(void)
{
	struct group g;
	int buf;

	if (!has_bounce_buffers()) {
		t_skip("a mapping that fails: needs swiotlb=force");
		return;
	}
	group_begin(&g, "a mapping that fails");
	buf = new_buffer(4 * MEGABYTE);
	snprintf(called, sizeof(called), "dma_buf_map_attachment %d", buf);
	for (int i = 0; i < LEAK_ROUNDS; i++)
		if (!act_call() || errno != EIO)
			break;
	t_err(act_call(), EIO, "4 MiB in pieces of a megabyte");
	close(buf);
	buf = new_buffer(page_size());
	snprintf(called, sizeof(called), "dma_buf_map_attachment %d", buf);
	t_err(act_call(), 0, "a page, afterwards");
	close(buf);
	group_end(&g);
}

static bool begin_calls(void)
{
	int module = open_module(NULL, "failing");

	if (module < 0) {
		t_skip("no failing.ko beside this program: %s", strerror(errno));
		return false;
	}
	t_err(syscall(SYS_finit_module, module, "", 0), 0, "load failing.ko");
	close(module);
	call_fd = open(CALLS, O_WRONLY | O_CLOEXEC);
	t_need(call_fd >= 0, CALLS);
	return true;
}

static void end_calls(void)
{
	close(call_fd);
	t_err(module_unload_soon("failing"), 0, "unload failing.ko");
}

static void test_faults(bool has_calls)
{
	struct group g;

	group_begin(&g, "a fault at each place of each operation");
	things_begin();
	for (size_t i = 0; i < n_operations; i++)
		fail_each(&operations[i]);
	if (has_calls)
		test_calls();
	things_end();
	group_end(&g);
}

int main(void)
{
	bool has_calls;

	t_begin();
	has_calls = begin_calls();
	if (has_calls)
		test_mapping();
	if (faults_begin(true)) {
		test_faults(has_calls);
		faults_end();
	}
	if (has_calls)
		end_calls();
	return t_end();
}
