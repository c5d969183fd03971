// SPDX-License-Identifier: GPL-2.0
/* The card of the sample module rust_drm_dumb, and its dumb buffers. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "common.h"
#include "drm_card.h"

/* A 32nd of what LEAK_ROUNDS buffers take */
/* CmaFree does not count what each CPU keeps for itself: some megabytes */
#define CMA_TOLERANCE_KB	(LEAK_ROUNDS * SIZE / 2 / 1024)

int card_open(void)
{
	int fd = open_card(DRIVER);

	t_need(fd >= 0, "the card of " DRIVER);
	return fd;
}

int create(int card, struct drm_mode_create_dumb *arg)
{
	return ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, arg);
}

__u32 new_dumb(int card)
{
	struct drm_mode_create_dumb arg = {
		.width = 240, .height = 320, .bpp = 32,
	};

	t_need(!create(card, &arg), "DRM_IOCTL_MODE_CREATE_DUMB");
	return arg.handle;
}

int destroy(int card, __u32 handle)
{
	struct drm_mode_destroy_dumb arg = { .handle = handle };

	return ioctl(card, DRM_IOCTL_MODE_DESTROY_DUMB, &arg);
}

int map_offset(int card, __u32 handle, __u64 *offset)
{
	struct drm_mode_map_dumb arg = { .handle = handle };
	int ret = ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &arg);

	*offset = arg.offset;
	return ret;
}

char *map_at(int fd, __u64 offset, size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

int try_map(int fd, __u64 offset, size_t len)
{
	char *p = map_at(fd, offset, len);

	if (p == MAP_FAILED)
		return -1;
	munmap(p, len);
	return 0;
}

char *map_dumb(int card, __u32 handle)
{
	__u64 offset;
	char *p;

	t_need(!map_offset(card, handle, &offset), "DRM_IOCTL_MODE_MAP_DUMB");
	p = map_at(card, offset, SIZE);
	t_need(p != MAP_FAILED, "mmap");
	return p;
}

int handle_to_fd(int card, __u32 handle, __u32 flags)
{
	struct drm_prime_handle arg = { .handle = handle, .flags = flags };

	return ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg) ? -1 : arg.fd;
}

int export(int card, __u32 handle)
{
	return handle_to_fd(card, handle, DRM_CLOEXEC | DRM_RDWR);
}

void fill(char *p, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i += 4)
		*(__u32 *)(p + i) = seed + i * 2654435761U;
}

bool is_filled(const char *p, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i += 4)
		if (*(const __u32 *)(p + i) != (__u32)(seed + i * 2654435761U))
			return false;
	return true;
}

bool cma_is_used(long before)
{
	return meminfo_kb("CmaFree:") < before - CMA_TOLERANCE_KB;
}

bool cma_is_back(long before)
{
	long now;

	for (int ms = 0; ms < PATIENCE_MS; ms += 20) {
		if (!cma_is_used(before))
			return true;
		nap_ms(20);
	}
	now = meminfo_kb("CmaFree:");
	t_note("CMA: %ld kB, now %ld kB", before, now);
	return false;
}
