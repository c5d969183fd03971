// SPDX-License-Identifier: GPL-2.0
/*
 * What there is to be had of memory: by live buffers, and of the stack by ioctls.
 */
#define _GNU_SOURCE
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/param.h>
#include <unistd.h>

#include "bench.h"
#include "common.h"
#include "udmabufs.h"

/* Many, for one slab is no measure */
#define MANY_BUFFERS	8000
/* The shallowest counts: an interrupt may come, or the allocator may need pages. */
#define TIMES		32

static void live_buffers(void)
{
	long slab, free_before, taken;

	for (int i = 0; i < 4; i++)
		alloc_4k();
	nap_ms(8000);
	slab = meminfo_kb("Slab");
	free_before = free_kb();
	crowd(MANY_BUFFERS);
	nap_ms(8000);
	taken = free_before - free_kb();
	slab = meminfo_kb("Slab") - slab;
	printf("BENCH slab-1000 %.1f\n", slab * 1024. * 1000 / MANY_BUFFERS);
	printf("BENCH memory-1000 %.1f\n", taken * 1024. * 1000 / MANY_BUFFERS);
}

/* made points to where the ioctl leaves a file descriptor, if it does. */
static void depth_of(const char *name, int fd, unsigned int command, const void *arg,
		     __s32 *made)
{
	int least = INT_MAX;
	char text[96];

	for (int i = 0; i < TIMES; i++) {
		if (made)
			*made = 0;
		snprintf(text, sizeof(text), "%d %u %lu", fd, command, (unsigned long)arg);
		t_need(write_file(MODULE_PARAMETERS "ioctl", text), name);
		t_need(read_file(MODULE_PARAMETERS "depth", text, sizeof(text)), "depth");
		least = MIN(least, atoi(text));
		if (made)
			close(*made);
	}
	printf("BENCH stack-%s %d\n", name, least);
}

static void stacks(void)
{
	struct dma_heap_allocation_data alloc = { .len = 65536, .fd_flags = O_RDWR | O_CLOEXEC };
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW };
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_RW };
	struct sync_merge_data merge = { .name = "merged" };
	struct sync_fence_info each[16];
	struct sync_file_info info = {
		.num_fences = 16, .sync_fence_info = (unsigned long)each,
	};
	struct sw_sync_create create = { .value = 1, .name = "deep" };
	struct udmabuf_create of_memfd = {
		.memfd = new_memfd(16, F_SEAL_SHRINK), .size = 65536,
		.flags = UDMABUF_FLAGS_CLOEXEC,
	};
	int halves[2], merged = new_merged(16), buf = new_buffer_with(merged);
	int idle = new_buffer_with(-1);

	new_halves(16, halves);
	import.fd = merged;
	merge.fd2 = halves[1];
	depth_of("alloc", heap, DMA_HEAP_IOCTL_ALLOC, &alloc, (__s32 *)&alloc.fd);
	/* It waits for fences. */
	depth_of("sync", idle, DMA_BUF_IOCTL_SYNC, &sync, NULL);
	depth_of("set-name", buf, DMA_BUF_SET_NAME_B, "a name", NULL);
	depth_of("export", buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export, &export.fd);
	depth_of("import", buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import, NULL);
	depth_of("merge", halves[0], SYNC_IOC_MERGE, &merge, &merge.fence);
	depth_of("info", merged, SYNC_IOC_FILE_INFO, &info, NULL);
	depth_of("sw-create", timeline_open(), SW_SYNC_CREATE, &create, &create.fence);
	/* Returns what it makes, which stays. */
	depth_of("udmabuf", udmabuf_open(), UDMABUF_CREATE, &of_memfd, NULL);
}

void report_memory(void)
{
	live_buffers();
	prepare_fences();
	prepare_module();
	stacks();
}
