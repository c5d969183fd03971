// SPDX-License-Identifier: GPL-2.0
/*
 * What fail_each lets fail: the ioctls and file operations of heaps, buffers,
 * sync_files and sw_sync, and an importer's way to a buffer.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>

#include "fail_each.h"
#include "rust_samples.h"

/* Of the module fence_issuer */
#define CONTEXT	_IO('f', 4)

static int open_heap_again(void)
{
	return keep(open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC));
}

static int allocate(void)
{
	return keep(alloc_fd(things.heap, PAGES * page_size()));
}

static int allocate_contiguous(void)
{
	return keep(alloc_fd(things.cma, PAGES * page_size()));
}

/* An argument with more than the kernel knows of: too much for its stack */
static int allocate_long(void)
{
	static union {
		struct dma_heap_allocation_data data;
		char bytes[1024];
	} arg;
	int ret;

	memset(&arg, 0, sizeof(arg));
	arg.data.len = page_size();
	arg.data.fd_flags = O_RDWR | O_CLOEXEC;
	ret = ioctl(things.heap, _IOC(_IOC_READ | _IOC_WRITE, DMA_HEAP_IOC_MAGIC,
				      0x0, sizeof(arg)), &arg);
	return ret ? ret : keep(arg.data.fd);
}

static int set_name(void)
{
	return ioctl(things.buf, DMA_BUF_SET_NAME, "a name");
}

static int sync_both(void)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };

	if (ioctl(things.buf, DMA_BUF_IOCTL_SYNC, &sync))
		return -1;
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	/* what was begun is ended, now or by the next try */
	return ioctl(things.buf, DMA_BUF_IOCTL_SYNC, &sync);
}

static int import(void)
{
	return import_fence(things.buf, things.fences[0], DMA_BUF_SYNC_WRITE);
}

/* Many readers: the list grows */
static int import_many(void)
{
	int ret = 0, buf = alloc_fd(things.heap, page_size());

	if (buf < 0)
		return -1;
	for (int i = 0; i < 6 && ret >= 0; i++) {
		int line = timeline_open(), fence = -1;

		if (line >= 0)
			fence = timeline_try_fence(line, 1);
		ret = fence;
		if (fence >= 0)
			ret = import_fence(buf, fence, DMA_BUF_SYNC_READ);
		close_one(&fence);
		close_one(&line);
	}
	if (ret >= 0)
		ret = keep(export_fence(buf, DMA_BUF_SYNC_RW));
	ret = ret < 0 ? -errno : 0;
	close(buf);
	errno = -ret;
	return ret ? -1 : 0;
}

static int export(void)
{
	return keep(export_fence(things.buf, DMA_BUF_SYNC_RW));
}

static int map_buffer(void)
{
	return map_far_away(things.buf);
}

static int map_contiguous(void)
{
	return map_far_away(things.contiguous);
}

static int poll_buffer(void)
{
	struct pollfd p = { .fd = things.buf, .events = POLLIN | POLLOUT };

	return poll(&p, 1, 0);
}

int read_whole(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	keep(fd);
	do {
		n = read(fd, text, sizeof(text));
	} while (n > 0);
	return n;
}

static int read_bufinfo(void)
{
	return read_whole(BUFINFO);
}

static int read_fdinfo(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", things.buf);
	return read_whole(path);
}

static int read_sync_info(void)
{
	return read_whole(SYNC_INFO);
}

static int import_by_device(void)
{
	return prime_import(things.card, things.buf, &things.handle);
}

/* A driver in Rust: a context for each file, and a job with a fence of it */
int import_by_job(int buf)
{
	struct rust_dma_buf_importer_submit job = { .fd = buf };
	struct rust_dma_buf_importer_result result;

	if (keep(open(RUST_DMA_BUF_IMPORTER_DEVICE, O_RDWR | O_CLOEXEC)) < 0)
		return -1;
	if (ioctl(things.fd, RUST_DMA_BUF_IMPORTER_SUBMIT, &job))
		return -1;
	return ioctl(things.fd, RUST_DMA_BUF_IMPORTER_RESULT, &result);
}

static int import_job(void)
{
	return import_by_job(things.buf);
}

int make_context(void)
{
	if (keep(open(ISSUER, O_RDWR | O_CLOEXEC)) < 0)
		return -1;
	return ioctl(things.fd, CONTEXT);
}

static int merge(void)
{
	return keep(merge_fences(things.fences[0], things.fences[1], "merged"));
}

static int merge_done(void)
{
	return keep(merge_fences(things.done[0], things.done[1], "done"));
}

/* Room for more than there are */
static int tell(void)
{
	static struct sync_fence_info each[64];
	struct sync_file_info info;

	return fence_info(things.merged, &info, each, ARRAY_SIZE(each));
}

static int set_deadline(void)
{
	struct sync_set_deadline deadline = { .deadline_ns = 1 };

	return ioctl(things.fences[0], SYNC_IOC_SET_DEADLINE, &deadline);
}

static int poll_fence(void)
{
	struct pollfd p = { .fd = things.fences[0], .events = POLLIN };

	return poll(&p, 1, 0);
}

static int open_line(void)
{
	return keep(timeline_open());
}

static int new_fence(void)
{
	return keep(timeline_try_fence(things.lines[0], 5000));
}

static int step(void)
{
	return timeline_try_inc(things.lines[0], 0);
}

static int ask_deadline(void)
{
	struct sw_sync_deadline arg = { .fence = things.fences[0] };

	return ioctl(things.lines[0], SW_SYNC_GET_DEADLINE, &arg);
}

/*
 * GET_DEADLINE of a fence that has none says ENOENT: set_deadline comes first. A job
 * waits for who writes: it comes before fences are imported.
 */
const struct operation operations[] = {
	OP("open a heap", NULL, open_heap_again),
	OP("DMA_HEAP_IOCTL_ALLOC, system", NULL, allocate),
	OP("DMA_HEAP_IOCTL_ALLOC, contiguous", has_cma, allocate_contiguous),
	OP("DMA_HEAP_IOCTL_ALLOC, a long argument", NULL, allocate_long),
	OP("DMA_BUF_SET_NAME", NULL, set_name),
	OP("DMA_BUF_IOCTL_SYNC", NULL, sync_both),
	OP("DMA_BUF_IOCTL_EXPORT_SYNC_FILE, idle", NULL, export),
	OP("mmap of a buffer", NULL, map_buffer),
	OP("mmap of a buffer, contiguous", has_contiguous, map_contiguous),
	OP("DRM_IOCTL_PRIME_FD_TO_HANDLE", has_card, import_by_device),
	OP("a job of an importer in Rust", has_importer, import_job),
	OP("a context of a driver in Rust", has_issuer, make_context),
	OP("DMA_BUF_IOCTL_IMPORT_SYNC_FILE", has_fences, import),
	OP("DMA_BUF_IOCTL_EXPORT_SYNC_FILE, busy", has_fences, export),
	OP("fences on a buffer, many", has_fences, import_many),
	OP("poll of a buffer", NULL, poll_buffer),
	OP("bufinfo", NULL, read_bufinfo),
	OP("fdinfo", NULL, read_fdinfo),
	OP("SYNC_IOC_MERGE", has_fences, merge),
	OP("SYNC_IOC_MERGE, signalled", has_fences, merge_done),
	OP("SYNC_IOC_FILE_INFO", has_fences, tell),
	OP("SYNC_IOC_SET_DEADLINE", has_fences, set_deadline),
	OP("poll of a fence", has_fences, poll_fence),
	OP("open sw_sync", has_fences, open_line),
	OP("SW_SYNC_IOC_CREATE_FENCE", has_fences, new_fence),
	OP("SW_SYNC_IOC_INC", has_fences, step),
	OP("SW_SYNC_GET_DEADLINE", has_fences, ask_deadline),
	OP("sync/info", has_fences, read_sync_info),
};

const size_t n_operations = ARRAY_SIZE(operations);
