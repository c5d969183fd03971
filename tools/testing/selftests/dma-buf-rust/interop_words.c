// SPDX-License-Identifier: GPL-2.0
/*
 * The content of the interop matrix's buffers, and access to it.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <linux/dma-buf.h>

#include "interop.h"

__u32 word_at(unsigned int seed, size_t i)
{
	__u32 x = seed * 0x9e3779b9U + i;

	x = (x ^ x >> 15) * 0x2c1b3c6dU;
	return x ^ x >> 13;
}

static void cpu_access(int fd, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	if (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync))
		wrong("DMA_BUF_IOCTL_SYNC: %s", strerror(errno));
}

void begin_access(int fd, __u64 flags)
{
	cpu_access(fd, DMA_BUF_SYNC_START | flags);
}

void end_access(int fd, __u64 flags)
{
	cpu_access(fd, DMA_BUF_SYNC_END | flags);
}

void fill_words(int fd, __u32 *at, unsigned int seed)
{
	begin_access(fd, DMA_BUF_SYNC_WRITE);
	for (size_t i = 0; i < WORDS; i++)
		at[i] = word_at(seed, i);
	end_access(fd, DMA_BUF_SYNC_WRITE);
}

bool words_are(const __u32 *at, size_t n, unsigned int seed, __u32 mask)
{
	for (size_t i = 0; i < n; i++) {
		__u32 want = word_at(seed, i);

		if ((at[i] ^ want) & mask)
			return wrong("word %zu is %08x, not %08x", i, at[i],
				     want);
	}
	return true;
}

bool same_words(const __u32 *a, const __u32 *b)
{
	for (size_t i = 0; i < WORDS; i++)
		if (a[i] != b[i])
			return wrong("word %zu is %08x, not %08x", i, a[i],
				     b[i]);
	return true;
}

__u32 *map_shared(int fd, size_t size, off_t offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       offset);

	return p == MAP_FAILED ? NULL : p;
}

int dumb_create(int card, __u32 *handle, __u64 *size)
{
	struct drm_mode_create_dumb dumb = {
		.width = WIDTH,
		.height = HEIGHT,
		.bpp = 32,
	};
	int ret = ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);

	*handle = dumb.handle;
	*size = dumb.size;
	return ret;
}

__u32 *dumb_map(int card, __u32 handle, size_t size)
{
	struct drm_mode_map_dumb map = { .handle = handle };

	if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return NULL;
	return map_shared(card, size, map.offset);
}

int handle_to_fd(int card, __u32 handle)
{
	struct drm_prime_handle arg = {
		.handle = handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};

	return ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg) ? -1 : arg.fd;
}
