// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of a dma-buf heap.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "heap.h"
#include "util.h"

int heap_open(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_errno("ls /dev/dma_heap shows the heaps; choose one with --heap",
			   "cannot open heap %s", path);
	return fd;
}

void heap_alloc(int heap, const char *heap_name, size_t size, struct buffer *b)
{
	struct dma_heap_allocation_data data = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	struct stat st;

	if (xioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
		fail_errno("fewer --buffers, another --heap, or cma=64M on the command line",
			   "heap %s gives no buffer of %zu bytes", heap_name,
			   size);
	b->fd = data.fd;
	b->size = lseek(b->fd, 0, SEEK_END);
	if (b->size < size || fstat(b->fd, &st))
		fail_errno(BUG_HINT,
			   "the new buffer is %zu bytes long instead of %zu",
			   b->size, size);
	b->ino = st.st_ino;
	buffer_map(b->fd, b->size, &b->camera_view);
}

void buffer_map(int fd, size_t size, void **view)
{
	*view = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (*view == MAP_FAILED)
		fail_errno("the exporter must support mmap: use another --heap",
			   "cannot map a buffer of %zu bytes", size);
}

/* The CPU only ever looks: whoever fills the buffer is the camera. */
void buffer_sync(int fd, bool start)
{
	struct dma_buf_sync sync = {
		.flags = DMA_BUF_SYNC_READ |
			 (start ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END),
	};

	if (xioctl(fd, DMA_BUF_IOCTL_SYNC, &sync))
		fail_errno(BUG_HINT,
			   "DMA_BUF_IOCTL_SYNC (%s)", start ? "start" : "end");
}

__u32 buffer_checksum(int fd, const void *view, size_t size, __u32 mask)
{
	__u32 sum;

	buffer_sync(fd, true);
	sum = checksum(view, size, mask);
	buffer_sync(fd, false);
	return sum;
}

void buffer_free(struct buffer *b)
{
	munmap(b->camera_view, b->size);
	close(b->fd);
}
