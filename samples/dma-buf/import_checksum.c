// SPDX-License-Identifier: GPL-2.0
/*
 * Hands a dma-buf to the kernel module rust_dma_buf_importer: fills a buffer
 * of a heap, has CPU and device of the module read it, and compares what they
 * have found with a checksum of its own.
 *
 *   import_checksum [HEAP [BYTES]]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "rust_samples.h"

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static int allocate(const char *name, size_t size)
{
	struct dma_heap_allocation_data data = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	char path[128];
	int heap;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	heap = open(path, O_RDONLY | O_CLOEXEC);
	need(heap >= 0, path);
	need(!ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "DMA_HEAP_IOCTL_ALLOC");
	close(heap);
	return data.fd;
}

/*
 * Tells the kernel that we begin or end to write. The end matters here: only
 * then can a device be sure to find in memory what the CPU has written.
 */
static void cpu_access(int buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_WRITE };
	int ret;

	do {
		ret = ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	need(!ret, "DMA_BUF_IOCTL_SYNC");
}

/* Something that is different everywhere. The result is its checksum, FNV-1a. */
static __u32 fill(unsigned char *bytes, size_t size)
{
	__u32 sum = 0x811c9dc5, seed = 1;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = seed >> 16;
		sum = (sum ^ bytes[i]) * 0x01000193;
	}
	return sum;
}

int main(int argc, char **argv)
{
	const char *heap = argc > 1 ? argv[1] : "system";
	size_t size = argc > 2 ? strtoul(argv[2], NULL, 0) : 1 << 20;
	struct rust_dma_buf_importer_submit job = { 0 };
	struct rust_dma_buf_importer_result result;
	struct pollfd writer = { .events = POLLOUT };
	unsigned char *bytes;
	int device, same;
	__u32 sum;

	device = open(RUST_DMA_BUF_IMPORTER_DEVICE, O_RDWR | O_CLOEXEC);
	need(device >= 0, RUST_DMA_BUF_IMPORTER_DEVICE);
	job.fd = allocate(heap, size);
	writer.fd = job.fd;
	/* The heap gives whole pages: all of them are read. */
	size = lseek(job.fd, 0, SEEK_END);
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     job.fd, 0);
	need(bytes != MAP_FAILED, "mmap");

	cpu_access(job.fd, DMA_BUF_SYNC_START);
	sum = fill(bytes, size);
	cpu_access(job.fd, DMA_BUF_SYNC_END);
	munmap(bytes, size);

	need(!ioctl(device, RUST_DMA_BUF_IMPORTER_SUBMIT, &job), "SUBMIT");
	/*
	 * The device may still be reading. Whoever wants to write waits for it,
	 * and needs nothing but the buffer for that.
	 */
	need(poll(&writer, 1, -1) == 1, "poll");
	close(job.fd);
	need(!ioctl(device, RUST_DMA_BUF_IMPORTER_RESULT, &result), "RESULT");
	close(device);

	same = job.cpu_sum == sum && result.device_sum == sum;
	printf("%zu bytes of heap %s, %u pieces for the device\n", size, heap,
	       result.entries);
	printf("checksums: written %08x, by CPU %08x, by device %08x: %s\n", sum,
	       job.cpu_sum, result.device_sum, same ? "the same" : "DIFFERENT");
	return same ? EXIT_SUCCESS : EXIT_FAILURE;
}
