// SPDX-License-Identifier: GPL-2.0
/*
 * The exporters of the interop matrix.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <drm/drm.h>
#include <linux/dma-heap.h>

#include "interop.h"
#include "rust_samples.h"
#include "udmabufs.h"

static void put(struct shared *s)
{
	if (s->view)
		munmap(s->view, s->view_size);
	if (s->fd >= 0)
		close(s->fd);
	if (s->handle)
		gem_close(s->device, s->handle);
	if (s->device >= 0)
		close(s->device);
}

/* The exporter's view is the dma-buf's where it has no mapping of its own. */
static bool got(struct shared *s, const char *step)
{
	off_t size;

	if (s->fd < 0)
		return refused(step);
	size = lseek(s->fd, 0, SEEK_END);
	if (size < (off_t)FRAME)
		return wrong("the buffer has %lld bytes", (long long)size);
	s->size = size;
	if (!s->view) {
		s->view = map_shared(s->fd, size, 0);
		s->view_size = size;
	}
	return s->view || refused("the exporter's mmap");
}

static bool get_heap(struct shared *s, const char *name)
{
	char path[64];
	int heap;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	heap = open(path, O_RDONLY | O_CLOEXEC);
	if (heap < 0)
		return missing(path);
	s->fd = alloc_fd(heap, FRAME);
	close(heap);
	return got(s, "DMA_HEAP_IOCTL_ALLOC");
}

static bool get_system(struct shared *s)
{
	return get_heap(s, "system");
}

static bool get_cma(struct shared *s)
{
	return get_heap(s, "default_cma_region");
}

/*
 * Pages of a memory file, the odd ones before the even ones, so that they
 * cannot be one piece of memory. The exporter looks at them in the file.
 */
static bool get_udmabuf(struct shared *s)
{
	const size_t pages = FRAME / page_size();
	struct udmabuf_create_item items[FRAME / 4096];
	__u32 *at;
	int memfd;

	if (access("/dev/udmabuf", R_OK | W_OK))
		return missing("/dev/udmabuf");
	s->device = udmabuf_open();
	memfd = new_memfd(pages, F_SEAL_SHRINK);
	s->view = map_shared(memfd, FRAME, 0);
	s->view_size = FRAME;
	for (size_t i = 0; i < pages; i++) {
		items[i] = pages_of(memfd, (2 * i + 1) % (pages + 1), 1);
		at = s->view + i * page_size() / sizeof(*at);
		if (mmap(at, page_size(), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, memfd, items[i].offset) != at)
			refused("the exporter's mmap");
	}
	s->fd = udmabuf_of_list(items, pages);
	close(memfd);
	return got(s, "UDMABUF_CREATE_LIST");
}

static bool get_sample(struct shared *s)
{
	struct rust_dma_buf_misc_get_fd get = { .flags = O_CLOEXEC | O_RDWR };

	s->device = open("/dev/rust-dma-buf-misc", O_RDWR | O_CLOEXEC);
	if (s->device < 0)
		return missing("/dev/rust-dma-buf-misc");
	if (!ioctl(s->device, RUST_DMA_BUF_MISC_GET_FD, &get))
		s->fd = get.fd;
	return got(s, "RUST_DMA_BUF_MISC_GET_FD");
}

static bool get_dumb(struct shared *s, const char *driver)
{
	__u64 size;

	s->device = open_card(driver);
	if (s->device < 0)
		return missing(driver);
	/* an importer may want to be the one who commands the display */
	ioctl(s->device, DRM_IOCTL_DROP_MASTER);
	if (dumb_create(s->device, &s->handle, &size))
		return refused("DRM_IOCTL_MODE_CREATE_DUMB");
	s->view_size = size;
	s->view = dumb_map(s->device, s->handle, size);
	if (!s->view)
		return refused("the exporter's mmap");
	s->fd = handle_to_fd(s->device, s->handle);
	return got(s, "DRM_IOCTL_PRIME_HANDLE_TO_FD");
}

static bool get_sample_dumb(struct shared *s)
{
	return get_dumb(s, "rust-drm-dumb");
}

static bool get_vgem(struct shared *s)
{
	return get_dumb(s, "vgem");
}

static bool get_vkms(struct shared *s)
{
	return get_dumb(s, "vkms");
}

static bool get_vb2(struct shared *s)
{
	return vivid_get(s, VIVID_EXPORT) && got(s, "VIDIOC_EXPBUF");
}

static bool get_vb2_contig(struct shared *s)
{
	return vivid_get(s, VIVID_EXPORT_CONTIG) && got(s, "VIDIOC_EXPBUF");
}

const struct exporter exporters[] = {
	{ "system_heap", NULL, get_system, put },
	{ "cma_heap", NULL, get_cma, put },
	{ "udmabuf", NULL, get_udmabuf, put },
	{ "rust_misc", NULL, get_sample, put },
	{ "rust_dumb", "rust-drm-dumb", get_sample_dumb, put },
	{ "vgem", "vgem", get_vgem, put },
	{ "vkms", "vkms", get_vkms, put },
	{ "vb2", NULL, get_vb2, put },
	{ "vb2_contig", NULL, get_vb2_contig, put },
};

const unsigned int nr_exporters = ARRAY_SIZE(exporters);
