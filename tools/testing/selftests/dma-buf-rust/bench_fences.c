// SPDX-License-Identifier: GPL-2.0
/*
 * What user space does with fences: those of buffers, and sync_files.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "bench.h"
#include "common.h"

#define BUFFER_BYTES	4096
#define MOST_FENCES	10000

static int timeline;
static __u32 next_value;
/* Buffers: one for fences that come and go, those with 1, 4 and 16 pending, one to import into */
static int idle, busy, busy_4, busy_16, target;
/* sync_files: pending ones of two timelines, both merged, a signalled one, larger ones */
static int pending, other, both, signalled, merged_4, merged_16, merged_64;
static int halves_16[2], halves_1000[2];
static int watched;

int new_buffer_with(int fence)
{
	int buf = alloc_fd(heap, BUFFER_BYTES);

	t_need(buf >= 0, "a buffer");
	t_need(fence < 0 || !import_fence(buf, fence, DMA_BUF_SYNC_RW), "import");
	return buf;
}

/* Their timelines live as long as the program. */
static int new_pending(void)
{
	int of = timeline_open();

	t_need(of >= 0, SW_SYNC);
	return timeline_fence(of, 1000);
}

/* By halves, for each merge copies what is there */
int new_merged(unsigned int n)
{
	int parts[2], all;

	if (n == 1)
		return new_pending();
	new_halves(n, parts);
	all = merge_fences(parts[0], parts[1], "merged");
	t_need(all >= 0, "merge");
	close(parts[0]);
	close(parts[1]);
	return all;
}

void new_halves(unsigned int n, int parts[2])
{
	parts[0] = new_merged(n / 2);
	parts[1] = new_merged(n - n / 2);
}

static void poll_busy(void)
{
	t_need(!poll_now(busy, POLLIN | POLLOUT), "poll");
}

static void export_from(int buf)
{
	done(export_fence(buf, DMA_BUF_SYNC_RW), "export");
}

static void export_1(void)
{
	export_from(busy);
}

static void export_4(void)
{
	export_from(busy_4);
}

static void export_16(void)
{
	export_from(busy_16);
}

static void import_1(void)
{
	t_need(!import_fence(target, pending, DMA_BUF_SYNC_RW), "import");
}

static void import_4(void)
{
	t_need(!import_fence(busy_4, merged_4, DMA_BUF_SYNC_RW), "import");
}

static void import_16(void)
{
	t_need(!import_fence(busy_16, merged_16, DMA_BUF_SYNC_RW), "import");
}

static int fence_of_next(void)
{
	return timeline_fence(timeline, ++next_value);
}

static void fence_life(void)
{
	int fence = fence_of_next();

	t_need(!import_fence(idle, fence, DMA_BUF_SYNC_RW), "import");
	t_need(!poll_now(idle, POLLIN | POLLOUT), "poll of what waits");
	timeline_inc(timeline, 1);
	t_need(poll_now(idle, POLLIN | POLLOUT), "poll of what is signalled");
	close(fence);
}

/* Nobody signals it: that would be left to others. */
static void sw_create(void)
{
	close(timeline_fence(timeline, next_value + 1));
}

static void sw_signal(void)
{
	int fence = fence_of_next();

	timeline_inc(timeline, 1);
	t_need(fence_status(fence) == 1, "what is signalled");
	close(fence);
}

static void poll_pending(void)
{
	t_need(!poll_now(pending, POLLIN), "poll");
}

static void poll_signal(void)
{
	int fence = fence_of_next();

	t_need(!poll_now(fence, POLLIN), "poll of what waits");
	timeline_inc(timeline, 1);
	t_need(poll_now(fence, POLLIN) == POLLIN, "poll of what is signalled");
	close(fence);
}

static void watch(int fd, int events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	t_need(!epoll_ctl(watched, EPOLL_CTL_ADD, fd, &event), "EPOLL_CTL_ADD");
	t_need(!epoll_wait(watched, &event, 1, 0), "what waits");
}

static void unwatch(int fd)
{
	struct epoll_event event;

	t_need(epoll_wait(watched, &event, 1, 0) == 1 && event.data.fd == fd,
	       "what is signalled");
	t_need(!epoll_ctl(watched, EPOLL_CTL_DEL, fd, NULL), "EPOLL_CTL_DEL");
}

static void epoll_fence(void)
{
	int fence = fence_of_next();

	watch(fence, EPOLLIN);
	timeline_inc(timeline, 1);
	unwatch(fence);
	close(fence);
}

static void epoll_buffer(void)
{
	int fence = fence_of_next();

	t_need(!import_fence(idle, fence, DMA_BUF_SYNC_RW), "import");
	watch(idle, EPOLLIN);
	timeline_inc(timeline, 1);
	unwatch(idle);
	close(fence);
}

void merge(int a, int b)
{
	done(merge_fences(a, b, "merged"), "merge");
}

static void merge_pending(void)
{
	merge(pending, other);
}

static void merge_signalled(void)
{
	merge(pending, signalled);
}

static void merge_16(void)
{
	merge(halves_16[0], halves_16[1]);
}

static void merge_1000(void)
{
	merge(halves_1000[0], halves_1000[1]);
}

void info(int fence, unsigned int n)
{
	static struct sync_fence_info each[MOST_FENCES];
	struct sync_file_info arg;

	t_need(!fence_info(fence, &arg, each, n) && arg.num_fences == n, "FILE_INFO");
}

static void info_1(void)
{
	info(pending, 1);
}

static void info_2(void)
{
	info(both, 2);
}

static void info_64(void)
{
	info(merged_64, 64);
}

static void set_deadline(void)
{
	struct sync_set_deadline arg = { .deadline_ns = 1000000 };

	t_need(!ioctl(pending, SYNC_IOC_SET_DEADLINE, &arg), "SET_DEADLINE");
}

void prepare_fences(void)
{
	timeline = timeline_open();
	t_need(timeline >= 0, SW_SYNC);
	pending = new_pending();
	other = new_pending();
	signalled = timeline_fence(timeline_open(), 0);
	both = merge_fences(pending, other, "both");
	t_need(both >= 0 && fence_count(both, NULL) == 2, "a merged fence");
	merged_4 = new_merged(4);
	merged_16 = new_merged(16);
	merged_64 = new_merged(64);
	new_halves(16, halves_16);
	new_halves(1000, halves_1000);

	idle = new_buffer_with(-1);
	target = new_buffer_with(-1);
	busy = new_buffer_with(other);
	busy_4 = new_buffer_with(merged_4);
	busy_16 = new_buffer_with(merged_16);
	watched = epoll_create1(EPOLL_CLOEXEC);
	t_need(watched >= 0, "epoll");
}

const struct op fence_ops[] = {
	{ .name = "poll-busy", .run = poll_busy },
	{ .name = "export-busy", .run = export_1 },
	{ .name = "export-4", .run = export_4 },
	{ .name = "export-16", .run = export_16 },
	{ .name = "import", .run = import_1 },
	{ .name = "import-4", .run = import_4 },
	{ .name = "import-16", .run = import_16 },
	{ .name = "fence-life", .run = fence_life },
	{ .name = "epoll-buffer", .run = epoll_buffer },
	{ .name = "sw-create", .run = sw_create },
	{ .name = "sw-signal", .run = sw_signal },
	{ .name = "poll-fence", .run = poll_pending },
	{ .name = "poll-signal", .run = poll_signal },
	{ .name = "epoll-signal", .run = epoll_fence },
	{ .name = "merge", .run = merge_pending },
	{ .name = "merge-signalled", .run = merge_signalled },
	{ .name = "merge-16", .run = merge_16 },
	{ .name = "merge-1000", .run = merge_1000 },
	{ .name = "info-1", .run = info_1 },
	{ .name = "info-2", .run = info_2 },
	{ .name = "info-64", .run = info_64 },
	{ .name = "set-deadline", .run = set_deadline },
	{ }
};

/* A compositor's frame: the clients draw, it waits for each, shows all and tells them. */
#define CLIENTS		16

static int client_timelines[CLIENTS], client_buffers[CLIENTS];
static __u32 frame;

static void prepare_clients(unsigned int n)
{
	(void)n;
	for (int i = 0; i < CLIENTS; i++) {
		client_timelines[i] = timeline_open();
		client_buffers[i] = new_buffer_with(-1);
		t_need(client_timelines[i] >= 0, SW_SYNC);
	}
}

static void compose(void)
{
	int drawn[CLIENTS], shown = fence_of_next();

	frame++;
	for (int i = 0; i < CLIENTS; i++) {
		drawn[i] = timeline_fence(client_timelines[i], frame);
		t_need(!import_fence(client_buffers[i], drawn[i], DMA_BUF_SYNC_WRITE), "import");
		close(drawn[i]);
	}
	for (int i = 0; i < CLIENTS; i++) {
		t_need(!(poll_now(client_buffers[i], POLLIN) & POLLIN), "poll of what is drawn");
		timeline_inc(client_timelines[i], 1);
		t_need(poll_now(client_buffers[i], POLLIN) & POLLIN, "poll of what is ready");
		t_need(!import_fence(client_buffers[i], shown, DMA_BUF_SYNC_READ), "import");
	}
	for (int i = 0; i < CLIENTS; i++)
		done(export_fence(client_buffers[i], DMA_BUF_SYNC_WRITE), "export");
	timeline_inc(timeline, 1);
	close(shown);
}

const struct op job_ops[] = {
	{ .name = "frame", .calls = "frame" },
	{ .name = "share", .calls = "share" },
	{ .name = "compositor", .run = compose, .prepare = prepare_clients },
	{ }
};
