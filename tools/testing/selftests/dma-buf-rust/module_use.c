// SPDX-License-Identifier: GPL-2.0
/*
 * Everything that DMA-BUF and its drivers are there for, once.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "camera.h"
#include "module_use.h"
#include "udmabufs.h"

#define LEN	MODULE_BUFFER_LEN

static int sync_access(int buf, __u64 flags)
{
	struct dma_buf_sync arg = { .flags = flags };

	return ioctl(buf, DMA_BUF_IOCTL_SYNC, &arg);
}

static int heap_buffer(const char *name)
{
	int heap = open_heap(name);
	int buf = alloc_fd(heap, LEN);

	t_need(buf >= 0, name);
	close(heap);
	return buf;
}

int system_buffer(void)
{
	return heap_buffer("system");
}

int cma_buffer(void)
{
	return heap_buffer("default_cma_region");
}

int udmabuf_buffer(void)
{
	int device = udmabuf_open(), memfd, buf;

	t_need(device >= 0, "/dev/udmabuf");
	memfd = new_memfd(LEN / page_size(), F_SEAL_SHRINK);
	buf = udmabuf_of_pages(memfd, 0, LEN / page_size());
	t_need(buf >= 0, "udmabuf");
	close(memfd);
	close(device);
	return buf;
}

static bool use_buffer(int buf)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);
	bool fine;

	if (p == MAP_FAILED)
		return false;
	fine = !sync_access(buf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	for (size_t i = 0; i < LEN; i += page_size())
		fine &= !p[i]++;
	fine &= !sync_access(buf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	munmap(p, LEN);
	return fine;
}

static bool use_fences(int buf)
{
	int line = timeline_open();
	int one = timeline_fence(line, 1), two = timeline_fence(line, 2);
	int exported, merged;
	bool fine;

	fine = !import_fence(buf, one, DMA_BUF_SYNC_WRITE);
	exported = export_fence(buf, DMA_BUF_SYNC_RW);
	merged = merge_fences(exported, two, "both");
	fine &= merged >= 0 && !poll_now(merged, POLLIN);
	fine &= !poll_now(buf, POLLOUT);
	timeline_inc(line, 2);
	fine &= poll_signalled(merged) && fence_status(merged) == 1;
	fine &= poll_signalled(exported);
	close(merged);
	close(exported);
	close(one);
	close(two);
	close(line);
	return fine;
}

static bool use_importer(int buf)
{
	int card = open_card("vgem");
	__u32 handle;
	bool fine;

	t_need(card >= 0, "vgem");
	fine = !prime_import(card, buf, &handle) && !gem_close(card, handle);
	close(card);
	return fine;
}

/* A frame of the camera, in a buffer of ours */
bool use_camera(void)
{
	size_t frame;
	int camera = open_camera(&frame), buf;
	bool fine;

	t_need(camera >= 0, "the camera of vivid");
	buf = new_buffer(frame);
	fine = request_buffers(camera, 1) >= 0 &&
	       !queue_buffer(camera, 0, buf, frame) && !stream(camera, true) &&
	       !dequeue_buffer(camera) && !stream(camera, false);
	close(camera);
	close(buf);
	return fine;
}

bool use_dma_buf(bool with_drivers)
{
	static int (* const exporters[])(void) = {
		system_buffer, cma_buffer, udmabuf_buffer,
	};
	bool fine = true;

	for (size_t i = 0; i < ARRAY_SIZE(exporters); i++) {
		int buf = exporters[i]();

		fine &= use_buffer(buf);
		fine &= use_fences(buf);
		if (with_drivers)
			fine &= use_importer(buf);
		close(buf);
	}
	return fine;
}
