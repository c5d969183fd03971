// SPDX-License-Identifier: GPL-2.0
/*
 * Fences that a driver puts on buffers of our heaps: vgem's, which user space
 * attaches and signals. vgem imports a buffer with its reservation object, so
 * its fences are the buffer's: poll, EXPORT_SYNC_FILE and SYNC know of them.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include <drm/drm.h>
#include <drm/vgem_drm.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"

#define IN_OUT	(POLLIN | POLLOUT)

/* The number of the fence; an error is left in errno. */
static int attach(int card, __u32 handle, __u32 flags)
{
	struct drm_vgem_fence_attach arg = { .handle = handle, .flags = flags };

	return ioctl(card, DRM_IOCTL_VGEM_FENCE_ATTACH, &arg) ?
		-1 : (int)arg.out_fence;
}

static int signal_fence(int card, int fence)
{
	struct drm_vgem_fence_signal arg = { .fence = fence };

	return ioctl(card, DRM_IOCTL_VGEM_FENCE_SIGNAL, &arg);
}

/* A buffer of the heap and vgem's handle of it */
static int shared_buffer(int card, const char *heap_name, __u32 *handle)
{
	int heap = open_heap(heap_name), buf = alloc_fd(heap, page_size());

	t_need(buf >= 0, heap_name);
	close(heap);
	t_need(!prime_import(card, buf, handle), "import");
	return buf;
}

static bool info_is(int fence, const char *driver, const char *timeline,
		    int status)
{
	struct sync_fence_info each = { 0 };
	struct sync_file_info info;

	t_need(!fence_info(fence, &info, &each, 1), "SYNC_IOC_FILE_INFO");
	return info.num_fences == 1 && info.status == status &&
	       each.status == status && !strcmp(each.driver_name, driver) &&
	       !strcmp(each.obj_name, timeline) &&
	       !!each.timestamp_ns == !!status;
}

/* One fence, from its attachment to its signal, as everybody sees it. */
static void test_one(int card, const char *heap, __u32 flags)
{
	const char *what = flags ? "a write fence" : "a read fence";
	int ready = flags ? 0 : POLLIN;
	int buf, fence, reader, writer;
	struct group g;
	char text[4096];
	__u32 handle;

	group_begin(&g, what);
	buf = shared_buffer(card, heap, &handle);
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "%s: idle", heap);
	fence = attach(card, handle, flags);
	t_err(fence, 0, "%s: attach %s", heap, what);
	t_ok(poll_now(buf, IN_OUT) == ready, "%s: poll sees it", heap);
	t_ok(bufinfo_of(buf, text, sizeof(text)) &&
	     strstr(text, flags ? "\twrite fence:" : "\tread fence:") &&
	     strstr(text, ":1 unbound vgem unsignalled\n"),
	     "%s: bufinfo names it", heap);
	reader = export_fence(buf, DMA_BUF_SYNC_READ);
	writer = export_fence(buf, DMA_BUF_SYNC_WRITE);
	t_ok(info_is(writer, "vgem", "unbound", 0) &&
	     poll_now(writer, POLLIN) == 0, "%s: a writer must wait", heap);
	if (flags)
		t_ok(info_is(reader, "vgem", "unbound", 0) &&
		     poll_now(reader, POLLIN) == 0,
		     "%s: so must a reader", heap);
	else
		t_ok(fence_status(reader) == 1 &&
		     poll_now(reader, POLLIN) == POLLIN,
		     "%s: a reader need not", heap);
	t_err(signal_fence(card, fence), 0, "%s: signal it", heap);
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "%s: idle again", heap);
	t_ok(info_is(writer, "detached-driver", "signaled-timeline", 1) &&
	     poll_now(writer, POLLIN) == POLLIN, "%s: the writer knows", heap);
	t_ok(fence_status(reader) == 1 && poll_now(reader, POLLIN) == POLLIN,
	     "%s: and the reader", heap);
	close(reader);
	close(writer);
	gem_close(card, handle);
	close(buf);
	group_end(&g);
}

static void test_conflicts(int card)
{
	int buf, line, sw, read1, read2, write;
	struct group g;
	__u32 handle;

	group_begin(&g, "fences that exclude each other");
	line = timeline_open();
	buf = shared_buffer(card, "system", &handle);
	write = attach(card, handle, VGEM_FENCE_WRITE);
	t_err(write, 0, "a write fence");
	t_err(attach(card, handle, VGEM_FENCE_WRITE), EBUSY, "another");
	t_err(attach(card, handle, 0), EBUSY, "a read fence");
	t_err(signal_fence(card, write), 0, "the first is signalled");
	read1 = attach(card, handle, 0);
	read2 = attach(card, handle, 0);
	t_ok(read1 > 0 && read2 > 0, "two read fences");
	t_err(attach(card, handle, VGEM_FENCE_WRITE), EBUSY, "a write fence");
	t_err(signal_fence(card, read1), 0, "one is signalled");
	t_ok(poll_now(buf, IN_OUT) == POLLIN, "the other is left");
	t_err(attach(card, handle, VGEM_FENCE_WRITE), EBUSY, "a write fence");
	t_err(signal_fence(card, read2), 0, "that one too");

	/* Fences that another driver, or user space, put on the buffer */
	if (line >= 0) {
		sw = timeline_fence(line, 1);
		t_need(!import_fence(buf, sw, DMA_BUF_SYNC_READ), "import");
		t_err(attach(card, handle, VGEM_FENCE_WRITE), EBUSY,
		      "a reader of sw_sync's: a write fence");
		read1 = attach(card, handle, 0);
		t_err(read1, 0, "a read fence");
		close(sw);
		sw = export_fence(buf, DMA_BUF_SYNC_WRITE);
		t_ok(fence_count(sw, NULL) == 2, "a writer waits for both");
		timeline_inc(line, 1);
		t_err(signal_fence(card, read1), 0, "signal both");
		t_ok(poll_signalled(sw) && fence_status(sw) == 1,
		     "the writer goes on");
		close(sw);
		close(line);
	} else {
		t_skip("no second driver without CONFIG_SW_SYNC");
	}
	write = attach(card, handle, VGEM_FENCE_WRITE);
	t_ok(write > 0, "nothing is left: a write fence");
	t_err(signal_fence(card, write), 0, "signal it");
	gem_close(card, handle);
	close(buf);
	group_end(&g);
}

static void test_arguments(int card)
{
	struct drm_vgem_fence_attach a = { 0 };
	struct drm_vgem_fence_signal s = { 0 };
	int buf, fence, other, bad = 0;
	struct group g;

	group_begin(&g, "arguments");
	buf = shared_buffer(card, "system", &a.handle);
	for (int bit = 1; bit < 32; bit++)
		bad += attach(card, a.handle, 1U << bit) >= 0 || errno != EINVAL;
	t_ok(!bad, "attach, other flags: %s", strerror(EINVAL));
	a.pad = 1;
	t_err(ioctl(card, DRM_IOCTL_VGEM_FENCE_ATTACH, &a), EINVAL,
	      "attach, pad");
	t_err(attach(card, 12345, 0), ENOENT, "attach, no such handle");
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "nothing was attached");
	fence = attach(card, a.handle, VGEM_FENCE_WRITE);
	s.fence = fence;
	s.flags = 1;
	t_err(ioctl(card, DRM_IOCTL_VGEM_FENCE_SIGNAL, &s), EINVAL,
	      "signal, flags");
	t_err(signal_fence(card, 0), ENOENT, "signal, fence 0");
	t_err(signal_fence(card, fence + 1), ENOENT, "signal, unknown fence");
	other = open_card("vgem");
	t_err(signal_fence(other, fence), ENOENT, "signal, another's fence");
	t_ok(poll_now(buf, IN_OUT) == 0, "it is pending");
	close(other);
	t_err(signal_fence(card, fence), 0, "signal");
	t_err(signal_fence(card, fence), ENOENT, "signal twice");
	gem_close(card, a.handle);
	close(buf);
	group_end(&g);
}

/* Whoever goes first, nobody waits for ever. */
static void test_order(void)
{
	int card, buf, fence, seen, before;
	struct group g;
	__u32 handle;

	group_begin(&g, "the order of letting go");
	before = count_objects();
	card = open_card("vgem");
	buf = shared_buffer(card, "system", &handle);
	fence = attach(card, handle, VGEM_FENCE_WRITE);
	seen = export_fence(buf, DMA_BUF_SYNC_READ);
	gem_close(card, handle);
	close(buf);
	t_ok(count_objects() == before, "the buffer goes before its fence");
	t_ok(poll_now(seen, POLLIN) == 0, "the fence is pending");
	t_err(signal_fence(card, fence), 0, "it can be signalled");
	t_ok(poll_now(seen, POLLIN) == POLLIN, "and is");
	close(seen);

	buf = shared_buffer(card, "system", &handle);
	for (int i = 0; i < LEAK_ROUNDS; i++)
		attach(card, handle, 0);
	seen = export_fence(buf, DMA_BUF_SYNC_WRITE);
	t_ok(fence_count(seen, NULL) == LEAK_ROUNDS &&
	     poll_now(seen, POLLIN) == 0, "%d fences are pending", LEAK_ROUNDS);
	close(card);
	t_ok(poll_signalled(seen) && poll_now(buf, IN_OUT) == IN_OUT,
	     "the driver's file goes: all signal");
	close(seen);
	close(buf);
	t_ok(count_objects() == before, "and nothing is left");
	group_end(&g);
}

struct waiter {
	pthread_t thread;
	int buf;
	int events;
	int got;
};

static void *wait_for(void *arg)
{
	struct waiter *w = arg;
	struct pollfd p = { .fd = w->buf, .events = w->events };

	poll(&p, 1, PATIENCE_MS);
	w->got = p.revents;
	return NULL;
}

static void test_wake(int card)
{
	struct waiter w[8];
	bool woken = true;
	struct group g;
	__u32 handle;
	int buf, fence;

	group_begin(&g, "waking from poll");
	buf = shared_buffer(card, "system", &handle);
	fence = attach(card, handle, VGEM_FENCE_WRITE);
	for (int i = 0; i < 8; i++) {
		w[i] = (struct waiter){
			.buf = buf,
			.events = i & 1 ? POLLIN : POLLOUT,
		};
		t_need(!pthread_create(&w[i].thread, NULL, wait_for, &w[i]),
		       "pthread_create");
	}
	nap_ms(200);
	t_err(signal_fence(card, fence), 0, "signal");
	for (int i = 0; i < 8; i++) {
		pthread_join(w[i].thread, NULL);
		woken &= w[i].got == w[i].events;
	}
	t_ok(woken, "8 threads wake");
	gem_close(card, handle);
	close(buf);
	group_end(&g);
}

/* A fence that nobody signals expires after 10 s, so that nobody hangs. */
static void test_timeout(int card)
{
	struct pollfd p = { .events = POLLOUT };
	struct group g;
	__u32 handle;
	__u64 start;
	int fence;

	group_begin(&g, "a fence that expires");
	p.fd = shared_buffer(card, "system", &handle);
	start = now_ns();
	fence = attach(card, handle, VGEM_FENCE_WRITE);
	t_ok(poll(&p, 1, 60000) == 1 && p.revents == POLLOUT,
	     "the buffer becomes idle");
	t_ok(now_ns() - start >= 9000000000ULL, "not before its time");
	t_err(signal_fence(card, fence), ETIMEDOUT, "too late for a signal");
	gem_close(card, handle);
	close(p.fd);
	group_end(&g);
}

int main(void)
{
	char heaps[MAX_HEAPS][64];
	int card, n;

	t_begin();
	card = open_card("vgem");
	if (card < 0) {
		t_skip("no DRM device of vgem: load its module");
		return t_end();
	}
	n = list_heaps(heaps);
	for (int i = 0; i < n; i++) {
		test_one(card, heaps[i], VGEM_FENCE_WRITE);
		test_one(card, heaps[i], 0);
	}
	test_conflicts(card);
	test_arguments(card);
	test_order();
	test_wake(card);
	test_timeout(card);
	close(card);
	return t_end();
}
