// SPDX-License-Identifier: GPL-2.0
/*
 * Each ioctl and file operation, and each exported function that allocates, with
 * a fault at its first, second, third, ... place, until it succeeds untouched. What
 * the kernel has no faults of has some of call_faults.ko.
 * What fails says why, leaves nothing behind, and works when it is tried again.
 * The places are printed: lib/failure_points.py compares them with all there are.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/memfd.h>
#include <linux/sync_file.h>

#include "cgroup.h"
#include "fail_each.h"
#include "faults.h"
#include "modules.h"

#define MAX_FAULTS	600
#define MAX_ROUNDS	8
/* How many in a row that find nothing end it */
#define QUIET_ROUNDS	2
#define GROUP		"fail_each"
#define CALLS		"/sys/kernel/debug/dma_buf_failing/call"

static bool is_expected(const struct operation *op, int err)
{
	if (op->must_work)
		return false;
	return err == (fault_was_copy() ? EFAULT : ENOMEM) || (op->also && err == op->also);
}

/* What has become of an operation: faults, failures, and what is wrong with these */
struct outcome {
	int faults, failed, wrong, leaks, again;
};

/*
 * A fault at each place, as they come. How many were new. With "fresh" what the
 * kernel keeps is each time as the operation leaves it, and not as a fault does.
 */
static int one_round(const struct operation *op, const struct counts *before, bool fresh,
		     struct outcome *out)
{
	int points = 0;

	for (int n = 1; n <= MAX_FAULTS; n++) {
		int ret, err;
		bool hit;

		if (fresh) {
			out->again += op->act() < 0;
			op->undo();
		}
		fault_arm(n);
		ret = op->act();
		err = errno;
		hit = fault_disarm();
		points += fault_points();
		op->undo();
		if (!hit) {
			if (ret < 0) {
				out->wrong++;
				t_note("%s: fails untouched: %s", op->name, strerror(err));
			}
			return points;
		}
		out->faults++;
		out->leaks += !nothing_left(before, op->name, n);
		if (ret >= 0)
			continue;
		out->failed++;
		if (!is_expected(op, err)) {
			out->wrong++;
			t_note("%s, fault %d, a %s: %s", op->name, n,
			       fault_was_copy() ? "copy" : "want of memory", strerror(err));
		}
		out->again += op->act() < 0;
		op->undo();
	}
	t_note("%s: never succeeds untouched", op->name);
	out->wrong++;
	return points;
}

void fail_each(const struct operation *op)
{
	struct outcome out = {};
	struct counts before;
	int rounds = 0, quiet = 0, points;

	if (op->ready && !op->ready()) {
		t_skip("%s: there is no %s", op->name, things.missing);
		return;
	}
	/* once without faults, for what the kernel keeps from the first time */
	t_err(op->act(), 0, "%s", op->name);
	op->undo();
	before = count_all();
	fault_points();
	/* First what is counted alike each time: each copy, and each call of call_faults */
	faults_spare_allocations(true);
	points = one_round(op, &before, false, &out);
	faults_spare_allocations(false);
	t_note("%s: %d new places without allocations", op->name, points);
	/*
	 * What the kernel allocates besides (slabs, what it keeps of allocations) is not
	 * the same each time: a place is missed where a number more came before it. What one
	 * fault leaves may see to that in each round alike, so that each other begins anew.
	 */
	do {
		points = one_round(op, &before, rounds % 2, &out);
		t_note("%s: %d new places", op->name, points);
		quiet = points ? 0 : quiet + 1;
	} while (quiet < QUIET_ROUNDS && ++rounds < MAX_ROUNDS);
	t_note("%s: %d faults, %d failures", op->name, out.faults, out.failed);
	t_ok(!out.wrong && !out.leaks && !out.again,
	     "%s: fails as it should, leaves nothing, works again", op->name);
	if (out.leaks || out.again)
		t_note("%s: %d leaks, %d that did not work again", op->name, out.leaks,
		       out.again);
}

void fail_all(const struct operation *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fail_each(&ops[i]);
}

/* The exported functions, in a module that is told which; what they are to use has a number. */
static char called[64];
static int call_fd = -1;

static int act_call(void)
{
	return pwrite(call_fd, called, strlen(called), 0) < 0 ? -1 : 0;
}

/* What is called may want something that not each machine has. */
static bool has_call(void)
{
	return there_is(!act_call() || errno != ENODEV, "device for it, or this core has none");
}

static void undo_nothing(void)
{
}

static void fail_call(const char *name, const char *what, int number, bool (*ready)(void))
{
	char title[80];
	const struct operation op = {
		.name = title, .ready = ready, .act = act_call, .undo = undo_nothing,
	};

	snprintf(title, sizeof(title), "%s%s%s", name, what ? " of " : "", what ? what : "");
	if (what)
		snprintf(called, sizeof(called), "%s %d", name, number);
	else
		snprintf(called, sizeof(called), "%s", name);
	fail_each(&op);
}

/* A chain loses a link between the look at how many there are and that at each. */
static int tell_chain(void)
{
	static struct sync_fence_info each[2];
	struct sync_file_info info;

	things.fd = pwrite(call_fd, "chain", strlen("chain"), 0);
	return things.fd < 0 ? -1 : fence_info(things.fd, &info, each, ARRAY_SIZE(each));
}

static void test_calls(void)
{
	static const struct operation chain = {
		.name = "SYNC_IOC_FILE_INFO, fewer than there were",
		.act = tell_chain, .undo = undo,
	};
	static const char * const names[] = {
		"dma_buf_export", "dma_buf_attach", "dma_buf_fd",
		"dma_resv_get_fences", "dma_resv_get_singleton",
		"dma_resv_copy_fences", "dma_resv_reserve_fences",
		"dma_fence_array_create", "dma_fence_array_alloc",
		"dma_fence_unwrap_merge", "dma_fence_allocate_private_stub",
		"dma_fence_wait_any_timeout", "sync_file_create",
	};
	static const char * const with_buffer[] = {
		"dma_buf_map_attachment", "dma_buf_dynamic_attach", "dma_buf_mmap",
		"dma_buf_vmap",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		fail_call(names[i], NULL, -1, NULL);
	/* C has no heaps that can be removed */
	fail_call("dma_heap_add_owned", NULL, -1, has_call);
	fail_call("dma_heap_add", NULL, -1, has_call);
	fail_each(&chain);
	for (size_t i = 0; i < ARRAY_SIZE(with_buffer); i++) {
		fail_call(with_buffer[i], "the system heap", things.buf, NULL);
		if (things.contiguous >= 0)
			fail_call(with_buffer[i], "a CMA heap", things.contiguous, NULL);
		if (things.shared >= 0)
			fail_call(with_buffer[i], "a udmabuf", things.shared, NULL);
	}
	fail_call("dma_buf_phys_vec_to_sgt", "a device's own memory", 0, has_call);
	/* bounce buffers are not for that */
	if (!has_bounce_buffers())
		fail_call("dma_buf_phys_vec_to_sgt", "another device's memory", 1, has_call);
}

/* Many times, so that what it leaks is seen */
static void cannot_map(int buf, const char *what)
{
	t_err(buf, 0, "a buffer: %s", what);
	snprintf(called, sizeof(called), "dma_buf_map_attachment %d", buf);
	for (int i = 0; i < LEAK_ROUNDS; i++)
		if (!act_call() || errno != EIO)
			break;
	t_err(act_call(), EIO, "%s", what);
	close(buf);
}

/* The first piece can be mapped, the second cannot. */
static void cannot_map_second(void)
{
	int huge = things.udmabuf < 0 ? -1 : new_huge_memfd(1);
	const struct udmabuf_create_item items[] = {
		pages_of(things.memfd, 0, 1), pages_of(huge, 0, 2 * MEGABYTE / page_size()),
	};

	if (huge < 0) {
		t_skip("no huge pages of 2 MiB, or no udmabuf");
		return;
	}
	cannot_map(udmabuf_of_list(items, ARRAY_SIZE(items)), "a page, and 2 MiB behind it");
	close(huge);
}

/*
 * To map for a device has no faults to inject, but with bounce buffers a piece of
 * more than 256 KiB cannot be mapped.
 */
static void test_mapping(void)
{
	struct group g;

	if (!has_bounce_buffers()) {
		t_skip("a mapping that fails: needs swiotlb=force");
		return;
	}
	want_huge_pages(true);
	group_begin(&g, "a mapping that fails");
	things_begin();
	cannot_map(alloc_fd(things.heap, 4 * MEGABYTE), "4 MiB in pieces of a megabyte");
	if (things.cma >= 0)
		cannot_map(alloc_fd(things.cma, 4 * MEGABYTE), "4 MiB in one piece");
	cannot_map_second();
	snprintf(called, sizeof(called), "dma_buf_map_attachment %d", things.buf);
	t_err(act_call(), 0, "some pages, afterwards");
	things_end();
	group_end(&g);
	want_huge_pages(false);
}

static void end_module(const char *name)
{
	t_err(module_unload_soon(name), 0, "unload %s.ko", name);
}

/* What more is needed for faults, where there is any of it */
static const char * const helpers[] = { "call_faults", "fence_issuer", "rust_dma_buf_importer" };
static bool has_helper[ARRAY_SIZE(helpers)];

static void begin_helpers(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
		has_helper[i] = t_load_module(NULL, helpers[i]);
}

static void end_helpers(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
		if (has_helper[i])
			end_module(helpers[i]);
}

static bool begin_calls(void)
{
	if (!t_load_module(NULL, "failing"))
		return false;
	call_fd = open(CALLS, O_WRONLY | O_CLOEXEC);
	t_need(call_fd >= 0, CALLS);
	return true;
}

static void end_calls(void)
{
	close(call_fd);
	end_module("failing");
}

static void test_faults(bool has_calls)
{
	/* The kernel charges nothing before there is a group. */
	const bool has_group = heaps_charge() && cgroups_begin();
	struct group g;

	if (has_group)
		cgroup_make(GROUP);
	want_huge_pages(true);
	group_begin(&g, "a fault at each place of each operation");
	things_begin();
	fail_all(operations, n_operations);
	fail_all(udmabuf_operations, n_udmabuf_operations);
	fail_files();
	fail_drm();
	fail_camera();
	if (has_calls)
		test_calls();
	things_end();
	group_end(&g);
	want_huge_pages(false);
	if (has_group) {
		t_ok(cgroup_remove(GROUP), "remove the group");
		cgroups_end();
	}
}

int main(void)
{
	bool has_calls;

	t_begin();
	has_calls = begin_calls();
	if (has_calls)
		test_mapping();
	if (faults_begin(true)) {
		begin_helpers();
		test_faults(has_calls);
		end_helpers();
		faults_end();
	}
	if (has_calls)
		end_calls();
	return t_end();
}
