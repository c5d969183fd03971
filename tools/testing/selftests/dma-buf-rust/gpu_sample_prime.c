// SPDX-License-Identifier: GPL-2.0
/* The sample module rust_gpu_sketch and the buffers of others, and ours there. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "common.h"
#include "gpu_card.h"

/* Uses so many objects that all others move out of VRAM. */
static void flood(int card)
{
	__u32 handles[BLOCKS];

	for (unsigned int i = 0; i < BLOCKS; i++) {
		handles[i] = gpu_create(card, VRAM);
		close(gpu_fill(card, handles[i], i));
	}
	gpu_wait(gpu_nop(card, 0));
	for (unsigned int i = 0; i < BLOCKS; i++)
		gem_close(card, handles[i]);
}

/*
 * Whether the other device is told that memory moves, out of VRAM or, if there
 * is a handle, into it. It stays as long as a job of the other device is put
 * away, a little after that has signalled.
 */
static bool becomes_told(int card, int other, __u32 handle)
{
	__u64 before = gpu_info(other).told;

	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		if (handle)
			gpu_wait(gpu_fill(card, handle, 2));
		else
			flood(card);
		if (gpu_info(other).told != before)
			return gpu_info(other).told == before + 1;
		nap_ms(10);
	}
	return false;
}

/* The one device has memory of the other, follows it, and works on it. */
void test_prime(void)
{
	int card = gpu_open(0), other = gpu_open(1), buf, log = log_open();
	__u32 vram, same, imported, host = gpu_create(card, 0), theirs;
	char *p = gpu_map(card, host), *q;
	struct group g;

	group_begin(&g, "memory of the other device");
	vram = gpu_create(card, VRAM);
	buf = gpu_export(card, vram);
	same = gpu_import(card, buf);
	t_ok(same == vram, "our own comes back as what it is");
	imported = gpu_import(other, buf);
	t_ok(attached(buf) == 1, "the other device is attached");
	close(buf);

	theirs = gpu_create(other, 0);
	q = gpu_map(other, theirs);
	t_ok(gpu_wait(gpu_fill(card, vram, 1)) == 1 &&
	     gpu_wait(gpu_copy(other, theirs, imported)) == 1 && is_all(q, 1),
	     "it reads what we write");
	t_ok(gpu_wait(gpu_fill(other, imported, 2)) == 1 &&
	     gpu_wait(gpu_copy(card, host, vram)) == 1 && is_all(p, 2),
	     "we read what it writes");

	t_ok(becomes_told(card, other, 0), "it is told that we move it");
	t_ok(gpu_wait(gpu_copy(other, theirs, imported)) == 1 && is_all(q, 2),
	     "and finds it");
	t_ok(becomes_told(card, other, vram), "and that we move it back");
	t_ok(gpu_wait(gpu_fill(card, vram, 3)) == 1 &&
	     gpu_wait(gpu_copy(other, theirs, imported)) == 1 && is_all(q, 3),
	     "and finds it again");
	/* Jobs that wait for each other, on both */
	for (__u32 i = 0; i < 20; i++) {
		close(gpu_fill(card, vram, i));
		close(gpu_copy(other, theirs, imported));
		close(gpu_fill(other, imported, i + 100));
		close(gpu_copy(card, host, vram));
	}
	gpu_wait(gpu_copy(card, host, vram));
	t_ok(is_all(p, 119) && is_all(q, 19), "both in turns");
	gem_close(card, vram);
	t_ok(gpu_wait(gpu_copy(other, theirs, imported)) == 1 && is_all(q, 119),
	     "it stays when we have closed it");
	gem_close(other, imported);
	munmap(p, SIZE);
	munmap(q, SIZE);
	gem_close(card, host);
	gem_close(other, theirs);
	t_ok(log_is_clean(log), "the kernel has nothing to say");
	group_end(&g);
	close(log);
	close(other);
	close(card);
}

/* A driver whose device cannot follow has our memory pinned, in system memory. */
void test_exported_to(const char *driver)
{
	int card = gpu_open(0), other = open_card(driver), buf, back;
	__u32 vram, imported, host;
	struct group g;
	char *p;

	if (other < 0) {
		t_skip("no %s", driver);
		close(card);
		return;
	}
	group_begin(&g, driver);
	host = gpu_create(card, 0);
	vram = gpu_create(card, VRAM);
	p = gpu_map(card, host);
	gpu_wait(gpu_fill(card, vram, 7));
	buf = gpu_export(card, vram);
	t_err(prime_import(other, buf, &imported), 0, "%s imports it", driver);
	t_ok(attached(buf) == 1, "it is attached");
	flood(card);
	t_ok(gpu_wait(gpu_copy(card, host, vram)) == 1 && is_all(p, 7),
	     "what is in VRAM moves around it");
	t_ok(gpu_wait(gpu_fill(card, vram, 8)) == 1 &&
	     gpu_wait(gpu_copy(card, host, vram)) == 1 && is_all(p, 8),
	     "we can still use it");
	back = gpu_import(card, buf);
	t_ok((__u32)back == vram, "it comes back as what it is");
	gem_close(other, imported);
	t_ok(attached(buf) == 0, "it is detached");
	close(buf);
	munmap(p, SIZE);
	gem_close(card, vram);
	gem_close(card, host);
	group_end(&g);
	close(other);
	close(card);
}

static void imported_from(const char *name, int buf)
{
	int card = gpu_open(0);
	__u32 handle, host, vram;
	char *p;

	if (buf < 0) {
		t_skip("no %s", name);
		close(card);
		return;
	}
	host = gpu_create(card, 0);
	vram = gpu_create(card, VRAM);
	p = gpu_map(card, host);
	t_err(prime_import(card, buf, &handle), 0, "memory of %s", name);
	t_ok(gpu_wait(gpu_fill(card, handle, 11)) == 1 &&
	     gpu_wait(gpu_copy(card, vram, handle)) == 1 &&
	     gpu_wait(gpu_copy(card, host, vram)) == 1 && is_all(p, 11),
	     "is written and read");
	t_ok(gpu_wait(gpu_fill(card, vram, 12)) == 1 &&
	     gpu_wait(gpu_copy(card, handle, vram)) == 1 &&
	     gpu_wait(gpu_copy(card, host, handle)) == 1 && is_all(p, 12),
	     "and copied to");
	munmap(p, SIZE);
	gem_close(card, handle);
	gem_close(card, vram);
	gem_close(card, host);
	t_ok(becomes_detached(buf), "and let go of");
	close(buf);
	close(card);
}

static int buffer_of_card(const char *driver)
{
	struct drm_mode_create_dumb arg = {
		.width = SIZE / 4, .height = 1, .bpp = 32,
	};
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int card = open_card(driver);

	if (card < 0)
		return -1;
	t_need(!ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &arg), "a dumb buffer");
	prime.handle = arg.handle;
	t_need(!ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "export");
	close(card);
	return prime.fd;
}

void test_imported(void)
{
	struct group g;

	group_begin(&g, "memory of others");
	imported_from("a heap", new_buffer(SIZE));
	imported_from("vgem", buffer_of_card("vgem"));
	imported_from("vkms", buffer_of_card("vkms"));
	group_end(&g);
}
