// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection: the first, second, third, ... allocation of a round fails,
 * until one round gets through. Whatever failed says so, and nothing leaks.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/memfd.h>
#include <linux/sync_file.h>

#include "common.h"
#include "faults.h"
#include "modules.h"
#include "rust_samples.h"
#include "udmabufs.h"

#define MAX_FAULTS	400

static bool wrong_error;
static int shared_buffer;
/* The device of the DRM sample */
static char dumb_path[64];

/* DRM's objects have a file of shmem, which says this if it gets no inode. */
static bool has_shmem;

/* What failed must have failed for want of memory or by a failed copy. */
static int judge(int ret, const char *what)
{
	if (ret >= 0)
		return 0;
	if (errno != ENOMEM && errno != EFAULT &&
	    !(has_shmem && errno == ENOSPC)) {
		wrong_error = true;
		t_note("%s: %s", what, strerror(errno));
	}
	return -1;
}

/* One round through a buffer's life. What fails is left out, the rest goes on. */
static int round_of_heap(int heap)
{
	int buf, fence, failed = 0;
	void *p;

	buf = alloc_fd(heap, 20 * page_size());
	if (judge(buf, "allocate"))
		return -1;
	failed |= judge(ioctl(buf, DMA_BUF_SET_NAME, "a name"), "name");
	p = mmap(NULL, 20 * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		 buf, 0);
	failed |= judge(p == MAP_FAILED ? -1 : 0, "mmap");
	if (p != MAP_FAILED)
		munmap(p, 20 * page_size());
	fence = export_fence(buf, DMA_BUF_SYNC_RW);
	failed |= judge(fence, "export");
	if (fence >= 0) {
		failed |= judge(import_fence(buf, fence, DMA_BUF_SYNC_WRITE),
				"import");
		close(fence);
	}
	close(buf);
	return failed;
}

/* Fences are made, merged, asked, put on the buffer and signalled. */
static int round_of_fences(int buf)
{
	int lines[2], fences[2], merged, exported, failed = 0;
	struct sync_set_deadline deadline = { .deadline_ns = 1 };
	struct sync_fence_info each[2];
	struct sync_file_info info;
	struct pollfd p = { .events = POLLIN };

	for (int i = 0; i < 2; i++) {
		lines[i] = timeline_open();
		failed |= judge(lines[i], "open sw_sync");
		fences[i] = -1;
		if (lines[i] < 0)
			continue;
		fences[i] = timeline_try_fence(lines[i], 1);
		failed |= judge(fences[i], "sw_sync fence");
	}
	if (fences[0] >= 0 && fences[1] >= 0) {
		merged = merge_fences(fences[0], fences[1], "merged");
		failed |= judge(merged, "merge");
		p.fd = merged;
		failed |= judge(poll(&p, 1, 0), "poll");
		if (merged >= 0) {
			failed |= judge(fence_info(merged, &info, each, 2), "info");
			failed |= judge(ioctl(merged, SYNC_IOC_SET_DEADLINE,
					      &deadline), "deadline");
			failed |= judge(import_fence(buf, merged,
						     DMA_BUF_SYNC_WRITE), "import");
			exported = export_fence(buf, DMA_BUF_SYNC_RW);
			failed |= judge(exported, "export");
			if (exported >= 0)
				close(exported);
			close(merged);
		}
	}
	for (int i = 0; i < 2; i++) {
		if (fences[i] >= 0) {
			failed |= judge(timeline_try_inc(lines[i], 1), "step");
			close(fences[i]);
		}
		if (lines[i] >= 0)
			close(lines[i]);
	}
	return failed;
}

/* When its argument was not copied, the handle is still there. */
static void close_handle(int card, __u32 handle)
{
	if (gem_close(card, handle))
		gem_close(card, handle);
}

/* An importer gets a buffer: it attaches, maps, and lets go again. */
static int import_once(int card, int buf)
{
	__u32 handle;
	int ret = judge(prime_import(card, buf, &handle), "import");

	if (handle)
		close_handle(card, handle);
	return ret;
}

/* A buffer of a file, from the file's beginning on */
static int round_of_udmabuf(int card)
{
	struct udmabuf_create_item items[2];
	int fd, buf, failed = 0;
	void *p;

	fd = memfd_create("fail_nth", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	/* not ours to judge: it says ENOSPC when it gets no inode */
	if (fd < 0)
		return -1;
	if (judge(ftruncate(fd, 20 * page_size()), "ftruncate") ||
	    judge(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), "seal")) {
		close(fd);
		return -1;
	}
	items[0] = pages_of(fd, 0, 20);
	items[1] = pages_of(fd, 3, 5);
	buf = udmabuf_of_list(items, 2);
	failed |= judge(buf, "udmabuf");
	close(fd);
	if (buf < 0)
		return failed;
	p = mmap(NULL, 25 * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		 buf, 0);
	failed |= judge(p == MAP_FAILED ? -1 : 0, "mmap");
	if (p != MAP_FAILED) {
		/* a fault that fails happens again, until it does not */
		memset(p, 1, 25 * page_size());
		munmap(p, 25 * page_size());
	}
	if (card >= 0)
		failed |= import_once(card, buf);
	close(buf);
	return failed;
}

static int round_of_import(int card)
{
	return import_once(card, shared_buffer);
}

/* The sample's device gives a buffer, and what is in it. */
static int round_of_sample(int unused)
{
	struct rust_dma_buf_misc_get_fd arg = { .flags = O_RDWR | O_CLOEXEC };
	int device, failed = 0;
	char text[64];
	void *p;

	(void)unused;
	device = open(RUST_DMA_BUF_MISC_DEVICE, O_RDWR | O_CLOEXEC);
	if (judge(device, "open"))
		return -1;
	failed |= judge(read(device, text, sizeof(text)), "read");
	if (judge(ioctl(device, RUST_DMA_BUF_MISC_GET_FD, &arg), "get fd")) {
		failed = -1;
	} else {
		p = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
			 arg.fd, 0);
		failed |= judge(p == MAP_FAILED ? -1 : 0, "mmap");
		if (p != MAP_FAILED)
			munmap(p, page_size());
		close(arg.fd);
	}
	close(device);
	return failed;
}

/* DRM gives a descriptor that it cannot tell of, if that copy fails: the lowest */
static int export_once(int card, struct drm_prime_handle *prime)
{
	int lowest = dup(card), ret;

	close(lowest);
	ret = judge(ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, prime), "export");
	close(ret ? lowest : prime->fd);
	return ret;
}

/* The DRM sample: a buffer, its mapping, its dma-buf, and an import of another. */
static int round_of_dumb(int unused)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	struct drm_mode_map_dumb map = { 0 };
	int card, failed = 0;
	__u32 handle;
	void *p;

	(void)unused;
	card = open(dumb_path, O_RDWR | O_CLOEXEC);
	if (judge(card, "open"))
		return -1;
	if (judge(ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), "create")) {
		failed = -1;
	} else {
		map.handle = dumb.handle;
		prime.handle = dumb.handle;
		failed |= judge(ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map), "map");
		p = mmap(NULL, dumb.size, PROT_READ, MAP_SHARED, card, map.offset);
		if (p != MAP_FAILED)
			munmap(p, dumb.size);
		else if (map.offset)
			failed |= judge(-1, "mmap");
		failed |= export_once(card, &prime);
	}
	failed |= judge(prime_import(card, shared_buffer, &handle), "import");
	close(card);
	return failed;
}

static void test_rounds(const char *name, int fd, int (*one_round)(int fd))
{
	int n, failed = 0, leaks = 0;
	struct counts before;

	/* Once without faults, for what the kernel keeps from the first time. */
	one_round(fd);
	before = count_all();
	wrong_error = false;
	for (n = 1; n <= MAX_FAULTS; n++) {
		int ret;

		fault_arm(n);
		ret = one_round(fd);
		if (!fault_disarm())
			break;
		failed += ret < 0;
		leaks += !nothing_left(&before, name, n);
	}
	t_note("%s: %d faults, %d of them made a call fail", name, n - 1,
	       failed);
	t_ok(n <= MAX_FAULTS, "%s: a round without faults is reached", name);
	t_ok(failed > 0, "%s: faults have an effect", name);
	t_ok(!wrong_error, "%s: calls fail with %s or EFAULT", name,
	     has_shmem ? "ENOMEM, ENOSPC" : "ENOMEM");
	t_ok(!leaks, "%s: no buffer, fence or fd left after any fault", name);
}

static void test_heap(const char *name)
{
	struct group g;
	int heap;

	group_begin(&g, "a fault at every place");
	heap = open_heap(name);
	test_rounds(name, heap, round_of_heap);
	close(heap);
	group_end(&g);
}

static void test_fences(void)
{
	struct group g;
	int buf;

	if (!have_fences())
		return;
	group_begin(&g, "a fault at every place of a fence's life");
	buf = new_buffer(page_size());
	test_rounds("fences", buf, round_of_fences);
	close(buf);
	group_end(&g);
}

static void test_udmabuf(void)
{
	int device, card;
	struct group g;

	group_begin(&g, "a fault at every place of a udmabuf's life");
	device = udmabuf_open();
	if (device >= 0) {
		card = open_card("vgem");
		test_rounds("udmabuf", card, round_of_udmabuf);
		if (card >= 0)
			close(card);
		close(device);
	}
	group_end(&g);
}

static void test_importer(const char *driver)
{
	struct group g;
	int card;

	group_begin(&g, "a fault at every place of an import");
	card = open_card(driver);
	if (card < 0) {
		t_skip("no importer %s: load its module", driver);
	} else {
		shared_buffer = new_buffer(20 * page_size());
		test_rounds(driver, card, round_of_import);
		close(shared_buffer);
		close(card);
	}
	group_end(&g);
}

static void test_sample(void)
{
	struct group g;

	if (!t_load_module(NULL, "rust_dma_buf_misc"))
		return;
	group_begin(&g, "a fault at every place of a sample's buffer");
	test_rounds("sample", -1, round_of_sample);
	t_err(module_unload_soon("rust_dma_buf_misc"), 0, "unload the sample");
	group_end(&g);
}

static void test_dumb(void)
{
	int module = open_module(NULL, "rust_drm_dumb"), card;
	char link[64];
	struct group g;

	if (module < 0) {
		t_skip("no rust_drm_dumb.ko, which is for DRM that is built in");
		return;
	}
	t_err(insert_module(module, ""), 0, "load the DRM sample");
	close(module);
	group_begin(&g, "a fault at every place of a DRM sample's buffer");
	card = open_card("rust-drm-dumb");
	t_need(card >= 0, "the card of the DRM sample");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", card);
	t_need(readlink(link, dumb_path, sizeof(dumb_path) - 1) > 0, link);
	close(card);
	shared_buffer = new_buffer(page_size());
	has_shmem = true;
	test_rounds("DRM sample", -1, round_of_dumb);
	has_shmem = false;
	close(shared_buffer);
	group_end(&g);
	t_err(module_unload_soon("rust_drm_dumb"), 0, "unload the DRM sample");
}

int main(void)
{
	char heaps[MAX_HEAPS][64];
	int n;

	t_begin();
	if (!faults_begin(false))
		return t_end();
	n = list_heaps(heaps);
	for (int i = 0; i < n; i++)
		test_heap(heaps[i]);
	test_fences();
	test_importer("vgem");
	test_udmabuf();
	test_sample();
	test_dumb();
	faults_end();
	return t_end();
}
