// SPDX-License-Identifier: GPL-2.0
/*
 * Fences for the dma-buf test programs: timelines of sw_sync, sync_files, and
 * the fences of a buffer.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"

int timeline_open(void)
{
	return open(SW_SYNC, O_RDWR | O_CLOEXEC);
}

bool have_fences(void)
{
	int line = timeline_open();

	if (line < 0) {
		t_skip("no fences: cannot open " SW_SYNC " (CONFIG_SW_SYNC, debugfs)");
		return false;
	}
	close(line);
	return true;
}

int timeline_try_fence(int timeline, unsigned int value)
{
	struct sw_sync_create create = { .value = value, .name = "test" };

	return ioctl(timeline, SW_SYNC_CREATE, &create) ? -1 : create.fence;
}

int timeline_try_inc(int timeline, unsigned int by)
{
	__u32 value = by;

	return ioctl(timeline, SW_SYNC_INC, &value);
}

int timeline_fence(int timeline, unsigned int value)
{
	int fence = timeline_try_fence(timeline, value);

	t_need(fence >= 0, "sw_sync fence");
	return fence;
}

void timeline_inc(int timeline, unsigned int by)
{
	t_need(!timeline_try_inc(timeline, by), "sw_sync inc");
}

int import_fence(int buf, int fence, __u32 flags)
{
	struct dma_buf_import_sync_file arg = { .flags = flags, .fd = fence };

	return ioctl(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg);
}

int export_fence(int buf, __u32 flags)
{
	struct dma_buf_export_sync_file arg = { .flags = flags, .fd = -1 };

	return ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg) ? -1 : arg.fd;
}

int merge_fences(int a, int b, const char *name)
{
	struct sync_merge_data merge = { .fd2 = b, .fence = -1 };

	memcpy(merge.name, name, strnlen(name, sizeof(merge.name)));
	return ioctl(a, SYNC_IOC_MERGE, &merge) ? -1 : merge.fence;
}

int fence_info(int fence, struct sync_file_info *info,
	       struct sync_fence_info *each, unsigned int room)
{
	*info = (struct sync_file_info){
		.num_fences = room,
		.sync_fence_info = (uintptr_t)each,
	};
	return ioctl(fence, SYNC_IOC_FILE_INFO, info);
}

int fence_count(int fence, int *status)
{
	struct sync_file_info info;

	t_need(!fence_info(fence, &info, NULL, 0), "SYNC_IOC_FILE_INFO");
	if (status)
		*status = info.status;
	return info.num_fences;
}

int fence_status(int fence)
{
	int status;

	fence_count(fence, &status);
	return status;
}

int poll_now(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = events };

	t_need(poll(&p, 1, 0) >= 0, "poll");
	return p.revents;
}

bool becomes_idle(int buf)
{
	const int all = POLLIN | POLLOUT;
	struct pollfd p = { .fd = buf, .events = POLLOUT };

	poll(&p, 1, PATIENCE_MS);
	return poll_now(buf, all) == all;
}

bool poll_signalled(int fence)
{
	struct pollfd p = { .fd = fence, .events = POLLIN };

	t_need(poll(&p, 1, PATIENCE_MS) >= 0, "poll");
	return p.revents == POLLIN;
}

/* A timeline's line is its name and value; its fences' lines are indented. */
int count_timelines(void)
{
	FILE *f = fopen(SYNC_INFO, "re");
	char line[256];
	int n = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		n += line[0] != ' ' && line[0] != '-' && line[0] != '\n' &&
		     strcmp(line, "objs:\n") && strcmp(line, "fences:\n");
	fclose(f);
	return n;
}
