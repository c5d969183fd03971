// SPDX-License-Identifier: GPL-2.0
/*
 * The sample module rust_gpu_sketch: objects, jobs, VRAM that is too small,
 * timelines, resets; buffers of others (gpu_sample_prime.c); all of it at once
 * (gpu_sample_stress.c).
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "common.h"
#include "gpu_card.h"
#include "modules.h"
#include "syncobj.h"

#define CYCLES		40

static int module_fd;

int gpu_load(void)
{
	return insert_module(module_fd, "");
}

static void test_create(void)
{
	struct drm_mode_map_dumb map = { 0 };
	int card = gpu_open(0), log = log_open();
	size_t page = page_size();
	struct group g;
	__u32 handle;
	char *p;

	group_begin(&g, "objects");
	t_err(gpu_try_create(card, 0, 0, &handle), EINVAL, "size 0");
	t_err(gpu_try_create(card, page + 1, 0, &handle), EINVAL, "part of a page");
	t_err(gpu_try_create(card, -page, 0, &handle), ENOMEM, "all there is");
	t_err(gpu_try_create(card, SIZE, 2, &handle), EINVAL, "an unknown flag");
	t_err(gpu_try_create(card, 2 * SIZE, VRAM, &handle), EINVAL,
	      "too large for VRAM");
	t_err(gpu_try_create(card, SIZE, 0, &handle), 0, "what stays");
	p = gpu_map(card, handle);
	t_ok(is_all(p, 0), "all is zero");
	munmap(p, SIZE);
	t_err(gem_close(card, handle), 0, "close");
	t_err(gpu_try_create(card, SIZE, VRAM, &map.handle), 0, "what moves");
	t_err(ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map), 0, "has a place");
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, card, map.offset);
	t_ok(p == MAP_FAILED && errno == EINVAL, "but cannot be mapped");
	t_err(gem_close(card, map.handle), 0, "close");
	for (int i = 0; i < LEAK_ROUNDS; i++)
		gem_close(card, gpu_create(card, VRAM));
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	group_end(&g);
	close(log);
	close(card);
}

static void test_arguments(void)
{
	struct drm_gpu_sketch_submit arg = { 0 };
	int card = gpu_open(0);
	__u32 handle = gpu_create(card, 0), none = 77, many[65], busy;
	struct group g;

	group_begin(&g, "arguments");
	for (int i = 0; i < 65; i++)
		many[i] = handle;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), 0, "nothing");
	t_err(gpu_submit(card, &arg, 4, NULL, 0), EINVAL, "an unknown job");
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_FILL, NULL, 0), EINVAL,
	      "fill, without an object");
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_COPY, &handle, 1), EINVAL,
	      "copy, from nothing");
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_FILL, &none, 1), ENOENT,
	      "no such handle");
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, many, 65), EINVAL,
	      "too many objects");
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, many, 64), 0,
	      "the same 64 times");
	arg.objects = (uintptr_t)ptr_unmapped();
	t_err(ioctl(card, DRM_IOCTL_GPU_SKETCH_SUBMIT, &arg), EFAULT,
	      "a list that is not there");
	arg.ring = DRM_GPU_SKETCH_RINGS;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), EINVAL,
	      "no such ring");
	arg.ring = 0;
	arg.flags = 4;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), EINVAL,
	      "an unknown flag");
	arg.flags = DRM_GPU_SKETCH_SUBMIT_IN_FENCE;
	arg.in_fence = card;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), EINVAL,
	      "a file that is no fence");
	arg.flags = 0;
	arg.in_syncobj = 99;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), ENOENT,
	      "a syncobj to wait for that is not there");
	arg.in_syncobj = 0;
	arg.out_syncobj = 99;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), ENOENT,
	      "one to signal");
	arg.out_syncobj = 0;
	t_err(gpu_reset(card, 9, &busy), EINVAL, "reset of no ring");
	fd_table_full(true);
	for (int i = 0; i < LEAK_ROUNDS; i++)
		gpu_fill(card, handle, 1);
	t_err(gpu_fill(card, handle, 1), EMFILE, "no descriptor is left");
	fd_table_full(false);
	t_ok(gpu_wait(gpu_nop(card, 0)) == 1, "and it goes on");
	gem_close(card, handle);
	group_end(&g);
	close(card);
}

static void test_jobs(void)
{
	int card = gpu_open(0);
	__u32 a = gpu_create(card, 0), b = gpu_create(card, 0);
	__u32 vram = gpu_create(card, VRAM);
	char *p = gpu_map(card, a), *q = gpu_map(card, b);
	struct group g;

	group_begin(&g, "jobs");
	t_ok(gpu_wait(gpu_fill(card, a, 0x12345678)) == 1, "fill");
	t_ok(is_all(p, 0x12345678), "it is full");
	t_ok(gpu_wait(gpu_copy(card, vram, a)) == 1, "copy to VRAM");
	t_ok(gpu_wait(gpu_copy(card, b, vram)) == 1, "copy from VRAM");
	t_ok(is_all(q, 0x12345678), "it has come through");
	t_ok(gpu_wait(gpu_copy(card, a, a)) == 1, "copy to itself");
	/* without waiting for each */
	for (__u32 i = 0; i < 50; i++) {
		close(gpu_fill(card, a, i));
		close(gpu_copy(card, vram, a));
		close(gpu_copy(card, b, vram));
	}
	t_ok(gpu_wait(gpu_copy(card, a, b)) == 1, "many in a row");
	t_ok(is_all(p, 49) && is_all(q, 49), "in their order");
	munmap(p, SIZE);
	munmap(q, SIZE);
	gem_close(card, a);
	gem_close(card, b);
	gem_close(card, vram);
	group_end(&g);
	close(card);
}

static void test_eviction(void)
{
	enum { OBJECTS = BLOCKS + BLOCKS / 2 };
	int card = gpu_open(0), bad = 0;
	__u32 handles[OBJECTS], host = gpu_create(card, 0), many[64];
	struct drm_gpu_sketch_info before, after;
	struct drm_gpu_sketch_submit arg = { 0 };
	char *p = gpu_map(card, host);
	struct group g;

	group_begin(&g, "more than VRAM holds");
	before = gpu_info(card);
	for (int i = 0; i < OBJECTS; i++) {
		handles[i] = gpu_create(card, VRAM);
		close(gpu_fill(card, handles[i], i * 7));
	}
	for (int i = 0; i < OBJECTS; i++) {
		bad += gpu_wait(gpu_copy(card, host, handles[i])) != 1;
		bad += !is_all(p, i * 7);
	}
	after = gpu_info(card);
	t_note("%llu moves", after.moves - before.moves);
	t_ok(!bad, "all have what was written to them");
	t_ok(after.moves - before.moves > OBJECTS + BLOCKS, "they have moved");

	/* Those that were used last are still there. */
	before = gpu_info(card);
	for (int i = OBJECTS - BLOCKS; i < OBJECTS; i++)
		gpu_wait(gpu_copy(card, host, handles[i]));
	after = gpu_info(card);
	t_ok(after.moves == before.moves, "not those that were used last");

	for (int i = 0; i < OBJECTS; i++)
		many[i] = handles[i];
	arg.value = 99;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_FILL, many, OBJECTS), 0,
	      "a job that needs more than there is");
	bad = gpu_wait(gpu_copy(card, host, handles[0])) != 1 || !is_all(p, 99);
	bad += gpu_wait(gpu_copy(card, host, handles[1])) != 1 || !is_all(p, 7);
	t_ok(!bad, "is done as well");
	for (int i = 0; i < OBJECTS; i++)
		gem_close(card, handles[i]);
	/* The memory goes with the last job, a little after that has signalled. */
	before = gpu_info(card);
	handles[0] = gpu_create(card, VRAM);
	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		gpu_wait(gpu_fill(card, handles[0], 1));
		after = gpu_info(card);
		if (after.moves != before.moves)
			break;
		nap_ms(10);
	}
	t_ok(after.moves == before.moves + 1, "what is gone makes room");
	gem_close(card, handles[0]);
	munmap(p, SIZE);
	gem_close(card, host);
	group_end(&g);
	close(card);
}

static void test_fences(void)
{
	struct drm_gpu_sketch_submit arg = { 0 };
	int card = gpu_open(0), line, fence, done;
	__u32 a = gpu_create(card, 0), b = gpu_create(card, VRAM), busy;
	__u32 binary, points;
	struct group g;

	group_begin(&g, "fences");
	line = timeline_open();
	arg.flags = DRM_GPU_SKETCH_SUBMIT_IN_FENCE | DRM_GPU_SKETCH_SUBMIT_OUT_FENCE;
	arg.in_fence = timeline_fence(line, 1);
	arg.value = 5;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_FILL, &a, 1), 0,
	      "a job that waits for a sync_file");
	close(arg.in_fence);
	fence = arg.out_fence;
	done = gpu_copy(card, b, a);
	nap_ms(20);
	t_ok(!fence_status(fence) && !fence_status(done), "it waits");
	t_ok(!gpu_reset(card, 0, &busy) && !busy, "and the ring is idle");
	arg = (struct drm_gpu_sketch_submit) {
		.ring = 1, .flags = DRM_GPU_SKETCH_SUBMIT_OUT_FENCE,
	};
	t_ok(gpu_wait(gpu_nop(card, 1)) == 1, "the other ring does not");
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, &a, 1), 0,
	      "unless it is about the same object");
	nap_ms(20);
	t_ok(!fence_status(arg.out_fence), "then it does");
	timeline_inc(line, 1);
	t_ok(gpu_wait(fence) == 1 && gpu_wait(done) == 1 &&
	     gpu_wait(arg.out_fence) == 1, "until it is signalled");
	close(line);

	syncobj_card = card;
	binary = create(0);
	points = create(0);
	arg = (struct drm_gpu_sketch_submit) { .in_syncobj = binary };
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), EINVAL,
	      "an empty syncobj");
	line = timeline_open();
	pending_point(points, 1, line, 1);
	arg = (struct drm_gpu_sketch_submit) {
		.in_syncobj = points, .in_point = 1,
		.out_syncobj = points, .out_point = 2, .value = 3,
	};
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_FILL, &a, 1), 0,
	      "from point 1 to point 2");
	arg.in_point = 2;
	arg.out_syncobj = binary;
	arg.out_point = 0;
	arg.ring = 1;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), 0,
	      "from point 2 to a binary one");
	arg.in_point = 3;
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_NOP, NULL, 0), EINVAL,
	      "from point 3, which is not there");
	t_ok(query(points, 0) == 0 && query(points, LAST_SUBMITTED) == 2,
	     "nothing has happened");
	t_err(wait_point(binary, 0, 0, 20), ETIME, "wait for that");
	timeline_inc(line, 1);
	t_err(wait_point(binary, 0, 0, PATIENCE_MS), 0, "until it has");
	t_ok(query(points, 0) == 2, "at point 2");
	destroy(binary);
	destroy(points);
	close(line);
	gem_close(card, a);
	gem_close(card, b);
	group_end(&g);
	close(card);
}

static void test_reset(void)
{
	int card = gpu_open(0), hang, fence, other;
	struct drm_gpu_sketch_info before = gpu_info(card), after;
	__u32 a = gpu_create(card, VRAM), busy = 0;
	struct group g;

	group_begin(&g, "reset");
	t_ok(!gpu_reset(card, 0, &busy) && !busy, "of an idle ring");
	hang = gpu_hang(card, 0);
	fence = gpu_fill(card, a, 1);
	other = gpu_nop(card, 1);
	t_ok(gpu_wait(other) == 1, "one ring hangs, the other goes on");
	t_ok(!fence_status(hang) && !fence_status(fence), "the one does not");
	for (int i = 0; i < PATIENCE_MS && !busy; i++) {
		t_need(!gpu_reset(card, 0, &busy), "reset");
		nap_ms(1);
	}
	t_ok(busy && gpu_wait(hang) == -ECANCELED, "what was running fails");
	t_ok(gpu_wait(fence) == 1, "and nothing else");
	hang = gpu_hang(card, 0);
	fence = gpu_fill(card, a, 1);
	t_ok(gpu_wait(hang) == -ETIME, "what takes too long fails");
	t_ok(gpu_wait(fence) == 1, "and nothing else");
	after = gpu_info(card);
	t_ok(after.resets == before.resets + 2, "these are two resets");
	gem_close(card, a);
	group_end(&g);
	close(card);
}

static void test_unload(void)
{
	int card = gpu_open(0), buf, line = timeline_open();
	struct drm_gpu_sketch_submit arg = {
		.flags = DRM_GPU_SKETCH_SUBMIT_IN_FENCE,
		.in_fence = timeline_fence(line, 1),
	};
	__u32 handle = gpu_create(card, VRAM);

	t_err(module_unload(MODULE), EAGAIN, "unload with a card open");
	buf = gpu_export(card, handle);
	t_err(gpu_submit(card, &arg, DRM_GPU_SKETCH_FILL, &handle, 1), 0,
	      "a job that waits");
	close(arg.in_fence);
	close(card);
	nap_ms(50);
	t_err(module_unload(MODULE), EAGAIN, "unload with a buffer");
	close(buf);
	nap_ms(50);
	t_err(module_unload(MODULE), EAGAIN, "unload with a job");
	timeline_inc(line, 1);
	close(line);
	t_err(module_unload_soon(MODULE), 0, "unload with nothing");
	t_ok(open_card(DRIVER) < 0, "the cards are gone");
}

static bool cycle(void *unused)
{
	__u32 handles[2];
	int card, other;

	(void)unused;
	if (gpu_load())
		return false;
	card = gpu_open(0);
	other = gpu_open(1);
	handles[0] = gpu_create(card, VRAM);
	handles[1] = gpu_import(other, gpu_export(card, handles[0]));
	for (int i = 0; i < 10; i++) {
		close(gpu_fill(card, handles[0], i));
		close(gpu_fill(other, handles[1], i));
	}
	/* the last jobs are still running */
	close_range(card, ~0U, 0);
	return !module_unload_soon(MODULE);
}

static void test_cycles(void)
{
	int log = log_open();

	t_ok(nothing_is_lost(CYCLES, CYCLES / 2, cycle, NULL),
	     "nothing is left of it");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	close(log);
}

/* The program that goes with the sample, where there is one beside this one */
static void test_program(void)
{
	static const char expected[] = "64 objects, 0 of them wrong\n";
	char text[256];

	if (!sample_prints("gpu_sketch", NULL, text, sizeof(text)))
		return;
	if (strcmp(text, expected))
		t_note("%s", text);
	t_ok(!strcmp(text, expected), "and says what it should");
}

int main(int argc, char **argv)
{
	t_begin();
	/* Of several files, it has a folder of its own. */
	module_fd = open_drm_module(argc > 1 ? argv[1] : NULL,
				    MODULE "/" MODULE, MODULE);
	if (module_fd < 0)
		return t_end();
	t_err(gpu_load(), 0, "load");
	test_program();
	test_create();
	test_arguments();
	test_jobs();
	test_eviction();
	test_fences();
	test_reset();
	test_prime();
	test_exported_to("vgem");
	test_exported_to("vkms");
	test_imported();
	test_stress();
	test_unload();
	test_cycles();
	close(module_fd);
	return t_end();
}
