// SPDX-License-Identifier: GPL-2.0
/*
 * The sample module rust_drm_dumb: dumb buffers, their mappings, and their way
 * to other devices and back (drm_sample_prime.c).
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "common.h"
#include "drm_card.h"
#include "modules.h"

#define PROGRAM		"drm_dumb"
#define ROUNDS		200
#define CYCLES		40
#define UNBIND		"/sys/bus/faux/drivers/faux_driver/unbind"

static int module_fd;

static int load(void)
{
	return insert_module(module_fd, "");
}

static void test_sizes(void)
{
	static const struct {
		__u32 width, height, bpp, pitch, bytes;
	} good[] = {
		{ 240, 320, 32, 960, SIZE },
		{ 1, 1, 1, 1, 1 },
		{ 1, 1, 32, 4, 4 },
		{ 33, 7, 16, 66, 66 * 7 },
		{ 33, 7, 24, 99, 99 * 7 },
		{ 640, 480, 8, 640, 640 * 480 },
		{ 64, 64, 10, 128, 128 * 64 },
	};
	static const struct {
		__u32 width, height, bpp;
		int err;
	} bad[] = {
		{ 0, 320, 32, EINVAL },
		{ 240, 0, 32, EINVAL },
		{ 240, 320, 0, EINVAL },
		{ 0, 0, 0, EINVAL },
		/* 2^32 bytes, in a line, in lines, and by the bits of a pixel */
		{ 0x40000000, 1, 32, EINVAL },
		{ 0x10000, 0x10000, 8, EINVAL },
		{ 0x8000, 0x8000, 32, EINVAL },
		{ 1, 0x40000000, 32, EINVAL },
		{ 16, 1, UINT_MAX, EINVAL },
		{ 1, 1, UINT_MAX - 8, ENOMEM },
		/* 2^32 with the rest of a page, and that as a product */
		{ 0x3fffffff, 1, 32, EINVAL },
		{ UINT_MAX, 1, 8, EINVAL },
		{ 0xffff, 0x10001, 8, EINVAL },
		{ UINT_MAX, UINT_MAX, UINT_MAX, EINVAL },
		{ UINT_MAX, UINT_MAX, 32, EINVAL },
		{ UINT_MAX, 1, 32, EINVAL },
		/* 2^32 + 4096 would be a page */
		{ 0x40000400, 1, 32, EINVAL },
		/* that can be said, but not had */
		{ 0x8000, 0x6000, 32, ENOMEM },
		{ 0xf000, 0x10000, 8, ENOMEM },
	};
	int card = card_open(), log = log_open();
	struct group g;

	group_begin(&g, "sizes");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct drm_mode_create_dumb arg = {
			.width = good[i].width, .height = good[i].height,
			.bpp = good[i].bpp, .handle = 99, .pitch = 99, .size = 99,
		};
		__u64 size = (good[i].bytes + page_size() - 1) & -page_size();

		t_err(create(card, &arg), 0, "%ux%ux%u", arg.width, arg.height,
		      arg.bpp);
		if (arg.pitch != good[i].pitch || arg.size != size)
			t_note("pitch %u, size %llu", arg.pitch, arg.size);
		t_ok(arg.handle == 1 && arg.pitch == good[i].pitch &&
		     arg.size == size, "handle 1, pitch %u, size %llu",
		     good[i].pitch, size);
		t_err(destroy(card, arg.handle), 0, "destroy");
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct drm_mode_create_dumb arg;
		int ret = 0;

		for (int n = 0; n < LEAK_ROUNDS && !ret; n++) {
			arg = (struct drm_mode_create_dumb) {
				.width = bad[i].width, .height = bad[i].height,
				.bpp = bad[i].bpp, .handle = 99,
			};
			ret = create(card, &arg) && errno == bad[i].err ? 0 : -1;
			if (arg.handle || arg.pitch || arg.size)
				ret = -1;
		}
		if (ret)
			t_note("errno %d, handle %u", errno, arg.handle);
		t_ok(!ret, "%#xx%#xx%#x is refused: %s", bad[i].width,
		     bad[i].height, bad[i].bpp, strerror(bad[i].err));
	}
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	group_end(&g);
	close(log);
	close(card);
}

static void test_map(void)
{
	int card = card_open(), other = card_open();
	size_t page = page_size();
	__u64 offset, again;
	struct group g;
	__u32 handle;
	char *p, *q;
	bool zero = true;

	group_begin(&g, "mapping");
	handle = new_dumb(card);
	t_err(map_offset(card, 0, &offset), ENOENT, "handle 0");
	t_err(map_offset(card, 12345, &offset), ENOENT, "no such handle");
	t_err(map_offset(other, handle, &offset), ENOENT,
	      "a handle of another file");
	t_err(map_offset(card, handle, &offset), 0, "the handle");
	t_err(map_offset(card, handle, &again), 0, "once more");
	t_ok(offset == again && !(offset & (page - 1)), "the place is the same");

	p = map_at(card, offset, SIZE);
	t_need(p != MAP_FAILED, "mmap");
	for (size_t i = 0; i < SIZE; i++)
		zero &= !p[i];
	t_ok(zero, "all is zero");
	fill(p, SIZE, 1);
	q = map_at(card, offset, SIZE);
	t_ok(q != MAP_FAILED && is_filled(q, SIZE, 1), "another mapping");
	munmap(p, SIZE);
	p = map_at(card, offset, page);
	t_ok(p != MAP_FAILED && is_filled(p, page, 1), "a mapping of a page");
	munmap(p, page);
	t_ok(is_filled(q, SIZE, 1), "the other one stays");
	munmap(q, SIZE);

	t_err(try_map(card, offset, SIZE + 1), EINVAL, "longer by a byte");
	t_err(try_map(card, offset, 2 * SIZE), EINVAL, "twice as long");
	t_err(try_map(card, offset + page, SIZE - page), EINVAL,
	      "from the second page on");
	t_err(try_map(card, offset + SIZE, page), EINVAL, "behind it");
	t_err(try_map(card, offset - page, page), EINVAL, "before it");
	t_err(try_map(card, 0, page), EINVAL, "at the beginning of the file");
	t_err(try_map(other, offset, SIZE), EACCES, "by a file without handle");

	p = map_at(card, offset, SIZE);
	t_err((long)mremap(p, SIZE, 2 * SIZE, MREMAP_MAYMOVE), EFAULT, "growing");
	t_ok(mremap(p, SIZE, page, 0) == p && is_filled(p, page, 1), "shrinking");
	munmap(p, page);
	destroy(card, handle);
	t_err(map_offset(card, handle, &offset), ENOENT, "destroyed");
	t_err(try_map(card, again, SIZE), EINVAL, "its place is nobody's");
	group_end(&g);
	close(other);
	close(card);
}

/* A child that inherits a mapping reads and writes it. */
static bool child_sees(char *p)
{
	pid_t pid = fork();
	int status = 1;

	if (!pid) {
		bool ok = is_filled(p, SIZE, 2);

		p[SIZE - 1] = 77;
		_exit(!ok);
	}
	waitpid(pid, &status, 0);
	return !status && p[SIZE - 1] == 77;
}

static void test_destroy(void)
{
	int card = card_open(), copy;
	size_t page = page_size();
	__u64 offset, other_offset;
	__u32 handle, other;
	long free_before;
	char *p, *maps[LEAK_ROUNDS];
	struct group g;

	group_begin(&g, "destroying");
	t_err(destroy(card, 0), EINVAL, "handle 0");
	t_err(destroy(card, 7), EINVAL, "no such handle");
	handle = new_dumb(card);
	t_err(destroy(card, handle), 0, "the handle");
	t_err(destroy(card, handle), EINVAL, "twice");

	free_before = meminfo_kb("CmaFree:");
	handle = new_dumb(card);
	map_offset(card, handle, &offset);
	p = map_dumb(card, handle);
	fill(p, SIZE, 2);
	t_err(destroy(card, handle), 0, "while it is mapped");
	t_ok(is_filled(p, SIZE, 2), "the mapping stays");
	t_ok(child_sees(p), "a child inherits it");
	fill(p, SIZE, 2);
	t_err(try_map(card, offset, SIZE), EACCES, "no new mapping");
	other = new_dumb(card);
	t_ok(!map_offset(card, other, &other_offset) && other_offset != offset,
	     "its place is not given to another");
	t_err(destroy(card, other), 0, "destroy that");
	munmap(p + page, page);
	t_ok(is_filled(p, page, 2), "with a hole in it");
	copy = card;
	card = card_open();
	close(copy);
	t_ok(is_filled(p, page, 2), "without the file");
	munmap(p, SIZE);

	for (int i = 0; i < LEAK_ROUNDS; i++)
		maps[i] = map_dumb(card, new_dumb(card));
	close(card);
	t_ok(cma_is_used(free_before), "mappings keep the memory");
	for (int i = 0; i < LEAK_ROUNDS; i++)
		munmap(maps[i], SIZE);
	t_ok(cma_is_back(free_before), "until the last one is gone");
	card = card_open();
	for (int i = 0; i < LEAK_ROUNDS; i++)
		new_dumb(card);
	close(card);
	t_ok(cma_is_back(free_before), "closing the file frees what has a handle");
	card = card_open();
	group_end(&g);
	close(card);
}

static void test_rounds(void)
{
	struct group g;
	int failed = 0;
	long before;

	group_begin(&g, "many rounds");
	before = meminfo_kb("CmaFree:");
	for (int i = 0; i < ROUNDS; i++) {
		int card = card_open(), other = card_open(), buf;
		__u32 handle = new_dumb(card), imported;
		char *p = map_dumb(card, handle), *q;

		p[0] = 1;
		buf = export(card, handle);
		q = map_at(buf, 0, SIZE);
		failed += q == MAP_FAILED || q[0] != 1;
		failed += prime_import(other, buf, &imported) != 0;
		close(i & 1 ? buf : card);
		if (i & 2)
			munmap(p, SIZE);
		close(i & 1 ? card : buf);
		if (!(i & 2))
			munmap(p, SIZE);
		close(other);
		munmap(q, SIZE);
	}
	t_ok(!failed, "%d rounds", ROUNDS);
	t_ok(cma_is_back(before), "the memory is back");
	group_end(&g);
}

/* What the CMA area does not hold comes from elsewhere; all of it comes back. */
static void test_exhaust(void)
{
	struct drm_mode_create_dumb arg = {
		.width = 1024, .height = 1024, .bpp = 32,
	};
	int card = card_open(), n = 0, log = log_open();
	long before = meminfo_kb("CmaFree:");
	long enough = meminfo_kb("MemTotal:") / 4096 + 1;
	struct group g;

	group_begin(&g, "most of the memory");
	/* what is left is for everybody else */
	while (n < enough && meminfo_kb("MemFree:") > 48 * 1024 &&
	       !create(card, &arg))
		n++;
	t_note("%d buffers of 4 MiB", n);
	t_ok(n > 1, "buffers");
	close(card);
	t_ok(cma_is_back(before), "the memory is back");
	card = card_open();
	t_err(create(card, &arg), 0, "and can be had again");
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	destroy(card, arg.handle);
	group_end(&g);
	close(card);
	close(log);
}

static void test_unload(void)
{
	int card = card_open(), buf;
	__u32 handle = new_dumb(card);
	char *p = map_dumb(card, handle), *q;

	fill(p, SIZE, 8);
	t_err(open(UNBIND, O_WRONLY), ENOENT, "the device cannot be unbound");
	t_err(module_unload(MODULE), EAGAIN, "unload with the card open");
	buf = export(card, handle);
	close(card);
	nap_ms(50);
	t_err(module_unload(MODULE), EAGAIN, "unload with a mapping");
	munmap(p, SIZE);
	nap_ms(50);
	t_err(module_unload(MODULE), EAGAIN, "unload with a dma-buf");
	q = map_at(buf, 0, SIZE);
	close(buf);
	nap_ms(50);
	t_err(module_unload(MODULE), EAGAIN,
	      "unload with a mapping of the dma-buf");
	t_ok(is_filled(q, SIZE, 8), "which is still of use");
	munmap(q, SIZE);
	t_err(module_unload_soon(MODULE), 0, "unload");
	t_ok(open_card(DRIVER) < 0, "the card is gone");
}

/* A cycle in which everything is used, by a device, too, if there is one */
static bool cycle(void *with)
{
	const bool *device = with;
	struct rust_dma_buf_importer_result result;
	struct rust_dma_buf_importer_submit submit;
	int card, other, buf;
	__u32 handle, imported;
	bool ok;
	char *p;

	if (load())
		return false;
	card = card_open();
	other = card_open();
	handle = new_dumb(card);
	p = map_dumb(card, handle);
	buf = export(card, handle);
	fill(p, SIZE, 9);
	ok = !prime_import(other, buf, &imported) && is_filled(p, SIZE, 9);
	ok &= !*device || device_reads(buf, &submit, &result);
	munmap(p, SIZE);
	close(card);
	close(buf);
	close(other);
	return !module_unload_soon(MODULE) && ok;
}

static void test_cycles(void)
{
	bool device = t_load_module(NULL, IMPORTER);
	int log = log_open();

	t_ok(nothing_is_lost(CYCLES, CYCLES / 2, cycle, &device),
	     "nothing is left of it");
	if (device)
		t_err(module_unload_soon(IMPORTER), 0, "unload " IMPORTER);
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	close(log);
}

/* The program that goes with the sample, where there is one beside this one */
static void test_program(void)
{
	static const char expected[] = "handle 1, pitch 960, size 307200\n"
		"Hello from a dumb buffer!\n";
	char text[256];

	if (!sample_prints(PROGRAM, DRIVER, text, sizeof(text)))
		return;
	if (strcmp(text, expected))
		t_note("%s", text);
	t_ok(!strcmp(text, expected), "and says what it should");
}

int main(int argc, char **argv)
{
	t_begin();
	if (has_bounce_buffers()) {
		t_skip("its buffers have larger pieces than a bounce buffer");
		return t_end();
	}
	module_fd = open_drm_module(argc > 1 ? argv[1] : NULL, MODULE, MODULE);
	if (module_fd < 0)
		return t_end();
	t_err(load(), 0, "load");
	test_program();
	test_sizes();
	test_map();
	test_destroy();
	test_export();
	test_order();
	test_import();
	test_exported_to("vgem");
	test_exported_to("vkms");
	test_device();
	test_rounds();
	test_exhaust();
	test_unload();
	test_cycles();
	close(module_fd);
	return t_end();
}
