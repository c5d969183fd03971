// SPDX-License-Identifier: GPL-2.0
/*
 * What user space does with heaps, buffers, udmabufs and a driver that exports
 * and imports.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "bench.h"
#include "common.h"
#include "udmabufs.h"

#define CMA_HEAP	"default_cma_region"
#define IDLE_BYTES	(4 * 4096)
#define CROWD		900
#define LARGE_CROWD	1000
#define MAPPED_PAGES	256
#define MOST_PAGES	16384
#define LISTED_PAGES	64

int heap;
static int cma, card, udmabuf;
/* A buffer without fences, one of 1 MiB, a udmabuf as large, and the memory of these */
static int idle, large, large_udmabuf, memfd;
static struct udmabuf_create_item listed[LISTED_PAGES];
static char fdinfo_path[64];

void done(int fd, const char *what)
{
	t_need(fd >= 0, what);
	close(fd);
}

static void heap_open(void)
{
	done(open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC), "open");
}

static void heap_bad_ioctl(void)
{
	t_need(ioctl(heap, _IO('H', 99)) < 0, "a bad ioctl");
}

static void alloc_refused(void)
{
	struct dma_heap_allocation_data arg = { .len = 4096, .fd_flags = ~0u };

	t_need(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &arg) < 0, "bad flags");
}

void alloc_4k(void)
{
	done(alloc_fd(heap, 4096), "alloc");
}

static void alloc_64k(void)
{
	done(alloc_fd(heap, 65536), "alloc");
}

static void alloc_1m(void)
{
	done(alloc_fd(heap, MEGABYTE), "alloc");
}

static void alloc_4m(void)
{
	done(alloc_fd(heap, 4 * MEGABYTE), "alloc");
}

static void alloc_16m(void)
{
	done(alloc_fd(heap, 16 * MEGABYTE), "alloc");
}

static void alloc_cma(void)
{
	done(alloc_fd(cma, MEGABYTE), "alloc");
}

void touch(int fd, size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	t_need(p != MAP_FAILED, "mmap");
	for (size_t at = 0; at < bytes; at += 4096)
		p[at] = 1;
	munmap(p, bytes);
}

static void touch_idle(void)
{
	touch(idle, IDLE_BYTES);
}

static void touch_large(void)
{
	touch(large, MEGABYTE);
}

static void touch_udmabuf(void)
{
	touch(large_udmabuf, MEGABYTE);
}

static void sync_pair(void)
{
	struct dma_buf_sync arg = { .flags = DMA_BUF_SYNC_RW };

	t_need(!ioctl(idle, DMA_BUF_IOCTL_SYNC, &arg), "SYNC start");
	arg.flags |= DMA_BUF_SYNC_END;
	t_need(!ioctl(idle, DMA_BUF_IOCTL_SYNC, &arg), "SYNC end");
}

static void set_name(void)
{
	t_need(!ioctl(idle, DMA_BUF_SET_NAME_B, "a name"), "SET_NAME");
}

static void poll_idle(void)
{
	t_need(poll_now(idle, POLLIN | POLLOUT) == (POLLIN | POLLOUT), "poll");
}

static void export_idle(void)
{
	done(export_fence(idle, DMA_BUF_SYNC_RW), "export");
}

static void read_all(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, all = 0;

	while ((n = read(fd, text, sizeof(text))) > 0)
		all += n;
	t_need(all > 0, path);
	close(fd);
}

static void fdinfo(void)
{
	read_all(fdinfo_path);
}

void bufinfo(void)
{
	read_all(BUFINFO);
}

static void udmabuf_pages(size_t pages)
{
	struct udmabuf_create arg = {
		.memfd = memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = pages * 4096,
	};

	done(ioctl(udmabuf, UDMABUF_CREATE, &arg), "UDMABUF_CREATE");
}

static void udmabuf_1(void)
{
	udmabuf_pages(1);
}

static void udmabuf_16(void)
{
	udmabuf_pages(16);
}

static void udmabuf_256(void)
{
	udmabuf_pages(256);
}

static void udmabuf_most(void)
{
	udmabuf_pages(MOST_PAGES);
}

static void udmabuf_list(void)
{
	done(udmabuf_of_list(listed, LISTED_PAGES), "UDMABUF_CREATE_LIST");
}

static void prime_export_new(void)
{
	struct drm_mode_create_dumb dumb = {
		.width = 64, .height = 64, .bpp = 32,
	};
	struct drm_prime_handle arg = { .flags = DRM_CLOEXEC };

	t_need(!ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), "dumb buffer");
	arg.handle = dumb.handle;
	t_need(!ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg), "export");
	gem_close(card, dumb.handle);
	close(arg.fd);
}

static void prime_import_heap(void)
{
	__u32 handle;

	t_need(!prime_import(card, idle, &handle), "import");
	gem_close(card, handle);
}

void crowd(unsigned int n)
{
	static unsigned int there;

	for (; there < n; there++)
		t_need(alloc_fd(heap, 4096) >= 0, "many buffers");
}

void prepare_buffers(void)
{
	heap = open_heap("system");
	cma = open_heap(CMA_HEAP);
	t_need(heap >= 0 && cma >= 0, "heaps");
	idle = alloc_fd(heap, IDLE_BYTES);
	large = alloc_fd(heap, MEGABYTE);
	t_need(idle >= 0 && large >= 0, "buffers");
	snprintf(fdinfo_path, sizeof(fdinfo_path), "/proc/self/fdinfo/%d", idle);

	memfd = new_memfd(MOST_PAGES, F_SEAL_SHRINK);
	udmabuf = udmabuf_open();
	/* What is made of it over and over has its memory already. */
	touch(memfd, MOST_PAGES * 4096ul);
	large_udmabuf = udmabuf_of_pages(memfd, 0, MAPPED_PAGES);
	t_need(memfd >= 0 && udmabuf >= 0 && large_udmabuf >= 0, "/dev/udmabuf");
	for (int i = 0; i < LISTED_PAGES; i++)
		listed[i] = pages_of(memfd, 2 * i, 1);
	card = open_card("vgem");
	t_need(card >= 0, "vgem");
}

const struct op buffer_ops[] = {
	{ .name = "heap-open", .run = heap_open },
	{ .name = "heap-bad-ioctl", .run = heap_bad_ioctl },
	{ .name = "alloc-refused", .run = alloc_refused },
	{ .name = "alloc-4k", .run = alloc_4k },
	{ .name = "alloc-64k", .run = alloc_64k },
	{ .name = "alloc-1m", .run = alloc_1m },
	{ .name = "alloc-4m", .run = alloc_4m },
	{ .name = "alloc-16m", .run = alloc_16m },
	{ .name = "alloc-cma-1m", .run = alloc_cma },
	{ .name = "mmap", .run = touch_idle },
	{ .name = "mmap-1m", .run = touch_large },
	{ .name = "mmap-udmabuf-1m", .run = touch_udmabuf },
	{ .name = "sync", .run = sync_pair },
	{ .name = "set-name", .run = set_name },
	{ .name = "poll-idle", .run = poll_idle },
	{ .name = "export", .run = export_idle },
	{ .name = "fdinfo", .run = fdinfo },
	{ .name = "udmabuf-1", .run = udmabuf_1 },
	{ .name = "udmabuf", .run = udmabuf_16 },
	{ .name = "udmabuf-256", .run = udmabuf_256 },
	{ .name = "udmabuf-16384", .run = udmabuf_most },
	{ .name = "udmabuf-list-64", .run = udmabuf_list },
	{ .name = "prime-export", .run = prime_export_new },
	{ .name = "prime-import", .run = prime_import_heap },
	{ .name = "bufinfo", .run = bufinfo, .prepare = crowd, .n = CROWD },
	{ .name = "alloc-1001st", .run = alloc_4k, .prepare = crowd, .n = LARGE_CROWD },
	{ }
};
