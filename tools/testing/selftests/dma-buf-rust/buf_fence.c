// SPDX-License-Identifier: GPL-2.0
/*
 * Implicit fences: poll, EXPORT/IMPORT_SYNC_FILE and SYNC with fences that are
 * still pending. The fences come from sw_sync.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "common.h"

#define IN_OUT	(POLLIN | POLLOUT)

/* Puts fence number "value" of the timeline on the buffer. */
static void put_fence(int buf, int timeline, unsigned int value, __u32 flags)
{
	int fence = timeline_fence(timeline, value);

	t_need(!import_fence(buf, fence, flags), "import a fence");
	close(fence);
}

/* What the file says about each of the n fences in it. */
static bool all_status(int fence, unsigned int n, int status)
{
	struct sync_fence_info each[8] = { 0 };
	struct sync_file_info info = {
		.num_fences = 8,
		.sync_fence_info = (uintptr_t)each,
	};
	bool same;

	t_need(!ioctl(fence, SYNC_IOC_FILE_INFO, &info), "SYNC_IOC_FILE_INFO");
	same = info.num_fences == n;
	for (unsigned int i = 0; i < n; i++)
		same &= each[i].status == status;
	return same;
}

static void test_poll(void)
{
	struct pollfd p;
	struct group g;
	int buf, line;

	group_begin(&g, "poll");
	buf = new_buffer(page_size());
	line = timeline_open();
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "idle: readable and writable");
	t_ok(poll_now(buf, POLLIN) == POLLIN, "idle: only what was asked for");
	t_ok(poll_now(buf, POLLOUT) == POLLOUT, "idle: the other alone");
	t_ok(poll_now(buf, POLLPRI) == 0, "idle: no priority data");
	t_ok(poll_now(buf, 0) == 0, "idle: nothing asked, nothing said");

	put_fence(buf, line, 1, DMA_BUF_SYNC_READ);
	t_ok(poll_now(buf, IN_OUT) == POLLIN, "a reader: only readable");
	t_ok(poll_now(buf, IN_OUT) == POLLIN, "a reader: asked again");
	put_fence(buf, line, 2, DMA_BUF_SYNC_WRITE);
	t_ok(poll_now(buf, IN_OUT) == 0, "a writer: neither");
	t_ok(poll_now(buf, POLLIN) == 0, "a writer: not readable");
	timeline_inc(line, 1);
	t_ok(poll_now(buf, IN_OUT) == 0, "reader done, writer not: neither");
	timeline_inc(line, 1);
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "both done: both");

	put_fence(buf, line, 3, DMA_BUF_SYNC_RW);
	p = (struct pollfd){ .fd = buf, .events = IN_OUT };
	t_ok(poll(&p, 1, 50) == 0, "poll for 50 ms times out");
	close(line);
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "the timeline's end frees both");
	close(buf);
	group_end(&g);
}

struct waiter {
	pthread_t thread;
	int fd;
	int events;
	int got;
};

static void *wait_in_poll(void *arg)
{
	struct waiter *w = arg;
	struct pollfd p = { .fd = w->fd, .events = w->events };

	poll(&p, 1, -1);
	w->got = p.revents;
	return NULL;
}

/* Eight threads sleep in poll() and all must wake. */
static void test_wake(void)
{
	struct waiter w[8];
	struct group g;
	bool woken = true;
	int buf, line;

	group_begin(&g, "waking from poll");
	buf = new_buffer(page_size());
	line = timeline_open();
	put_fence(buf, line, 1, DMA_BUF_SYNC_WRITE);
	for (int i = 0; i < 8; i++) {
		w[i].fd = buf;
		w[i].events = i & 1 ? POLLIN : POLLOUT;
		t_need(!pthread_create(&w[i].thread, NULL, wait_in_poll, &w[i]),
		       "pthread_create");
	}
	nap_ms(200);
	timeline_inc(line, 1);
	for (int i = 0; i < 8; i++) {
		pthread_join(w[i].thread, NULL);
		woken &= w[i].got == w[i].events;
	}
	t_ok(woken, "8 threads wake when the fence signals");
	close(line);
	close(buf);
	group_end(&g);
}

static void test_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT }, got;
	struct group g;
	int buf, line, ep;

	group_begin(&g, "epoll");
	buf = new_buffer(page_size());
	line = timeline_open();
	ep = epoll_create1(EPOLL_CLOEXEC);
	t_err(epoll_ctl(ep, EPOLL_CTL_ADD, buf, &ev), 0, "add");
	t_ok(epoll_wait(ep, &got, 1, 0) == 1 &&
	     got.events == (EPOLLIN | EPOLLOUT), "idle: both");
	put_fence(buf, line, 1, DMA_BUF_SYNC_WRITE);
	t_ok(epoll_wait(ep, &got, 1, 0) == 0, "pending: neither");
	timeline_inc(line, 1);
	t_ok(epoll_wait(ep, &got, 1, PATIENCE_MS) == 1, "signalled: it wakes");
	put_fence(buf, line, 2, DMA_BUF_SYNC_WRITE);
	epoll_wait(ep, &got, 1, 0);
	/* The buffer goes while somebody watches it. */
	close(buf);
	timeline_inc(line, 1);
	close(ep);
	close(line);
	group_end(&g);
}

static void *wait_in_epoll(void *arg)
{
	struct waiter *w = arg;
	struct epoll_event got = { 0 };

	epoll_wait(w->fd, &got, 1, 5000);
	w->got = got.events;
	return NULL;
}

/*
 * Who watches with EPOLLEXCLUSIVE shares a wake-up with others, but a buffer
 * that is ready is so for all: each of eight epolls wakes.
 */
static void test_epoll_exclusive(void)
{
	struct waiter w[8];
	struct group g;
	int buf, line, woken = 0;

	group_begin(&g, "exclusive epolls");
	buf = new_buffer(page_size());
	line = timeline_open();
	put_fence(buf, line, 1, DMA_BUF_SYNC_WRITE);
	for (int i = 0; i < 8; i++) {
		struct epoll_event ev = {
			.events = EPOLLEXCLUSIVE | (i & 1 ? EPOLLIN : EPOLLOUT),
		};

		w[i].events = i & 1 ? EPOLLIN : EPOLLOUT;
		w[i].fd = epoll_create1(EPOLL_CLOEXEC);
		t_need(!epoll_ctl(w[i].fd, EPOLL_CTL_ADD, buf, &ev), "add");
		t_need(!pthread_create(&w[i].thread, NULL, wait_in_epoll, &w[i]),
		       "pthread_create");
	}
	nap_ms(200);
	timeline_inc(line, 1);
	for (int i = 0; i < 8; i++) {
		pthread_join(w[i].thread, NULL);
		woken += w[i].got == w[i].events;
		close(w[i].fd);
	}
	t_ok(woken == 8, "%d of 8 wake when the fence signals", woken);
	close(line);
	close(buf);
	group_end(&g);
}

/* A buffer that somebody polled lives until its fence has signalled. */
static void test_close_pending(void)
{
	int buf, line, before;
	struct group g;

	group_begin(&g, "closed with a fence pending");
	before = count_objects();
	line = timeline_open();
	for (int i = 0; i < LEAK_ROUNDS; i++) {
		buf = new_buffer(MEGABYTE / 4);
		put_fence(buf, line, i + 1, DMA_BUF_SYNC_RW);
		poll_now(buf, i & 1 ? POLLIN : IN_OUT);
		close(buf);
	}
	t_ok(count_objects() == before + LEAK_ROUNDS,
	     "%d buffers wait for their fences", LEAK_ROUNDS);
	timeline_inc(line, LEAK_ROUNDS / 2);
	t_ok(count_objects() == before + LEAK_ROUNDS / 2,
	     "half of the fences signal, half of the buffers go");
	close(line);
	t_ok(count_objects() == before, "the timeline's end frees the rest");

	line = timeline_open();
	buf = new_buffer(MEGABYTE);
	put_fence(buf, line, 1, DMA_BUF_SYNC_RW);
	close(buf);
	t_ok(count_objects() == before,
	     "nobody polled: it does not wait for its fence");
	close(line);
	group_end(&g);
}

static void test_export(void)
{
	int buf, line, other, fence, status;
	struct group g;

	group_begin(&g, "exported fences");
	buf = new_buffer(page_size());
	line = timeline_open();
	other = timeline_open();

	put_fence(buf, line, 1, DMA_BUF_SYNC_READ);
	fence = export_fence(buf, DMA_BUF_SYNC_READ);
	t_ok(poll_now(fence, POLLIN) == POLLIN, "a reader does not wait for readers");
	close(fence);
	fence = export_fence(buf, DMA_BUF_SYNC_WRITE);
	t_ok(poll_now(fence, POLLIN) == 0, "a writer does");
	t_ok(fence_count(fence, &status) == 1 && status == 0, "for one, pending");
	close(fence);

	put_fence(buf, other, 1, DMA_BUF_SYNC_WRITE);
	fence = export_fence(buf, DMA_BUF_SYNC_READ);
	t_ok(fence_count(fence, &status) == 1 && status == 0,
	     "a reader waits for the writer");
	close(fence);
	fence = export_fence(buf, DMA_BUF_SYNC_RW);
	t_ok(fence_count(fence, &status) == 2 && status == 0,
	     "a writer waits for both timelines");
	put_fence(buf, line, 2, DMA_BUF_SYNC_READ);
	close(fence);
	fence = export_fence(buf, DMA_BUF_SYNC_WRITE);
	t_ok(fence_count(fence, NULL) == 2,
	     "a later fence of a timeline replaces the earlier");
	timeline_inc(line, 2);
	t_ok(fence_count(fence, &status) == 2 && poll_now(fence, POLLIN) == 0,
	     "one timeline is done: still pending");
	timeline_inc(other, 1);
	t_ok(poll_now(fence, POLLIN) == POLLIN, "both are done: signalled");
	t_ok(fence_count(fence, &status) >= 0 && status == 1, "status 1");
	close(fence);

	/* A snapshot: what is added later does not count. */
	fence = export_fence(buf, DMA_BUF_SYNC_WRITE);
	put_fence(buf, line, 9, DMA_BUF_SYNC_WRITE);
	t_ok(poll_now(fence, POLLIN) == POLLIN, "an export is a snapshot");
	close(fence);

	/* A fence that ends in an error. */
	put_fence(buf, other, 9, DMA_BUF_SYNC_WRITE);
	fence = export_fence(buf, DMA_BUF_SYNC_WRITE);
	close(line);
	close(other);
	t_ok(all_status(fence, 2, -ENOENT),
	     "fences of a timeline that ended: %s", strerror(ENOENT));
	close(fence);
	close(buf);
	group_end(&g);
}

static void test_import(void)
{
	struct sync_merge_data merge = { .name = "merged" };
	int buf, line, other, a, b, fence;
	struct group g;

	group_begin(&g, "imported fences");
	buf = new_buffer(page_size());
	line = timeline_open();
	other = timeline_open();
	a = timeline_fence(line, 1);
	b = timeline_fence(other, 1);
	merge.fd2 = b;
	t_need(!ioctl(a, SYNC_IOC_MERGE, &merge), "SYNC_IOC_MERGE");
	t_err(import_fence(buf, merge.fence, DMA_BUF_SYNC_WRITE), 0,
	      "two fences in one file");
	fence = export_fence(buf, DMA_BUF_SYNC_READ);
	t_ok(fence_count(fence, NULL) == 2, "both are on the buffer");
	close(fence);
	timeline_inc(line, 1);
	t_ok(poll_now(buf, POLLIN) == 0, "one signalled: pending");
	timeline_inc(other, 1);
	t_ok(poll_now(buf, POLLIN) == POLLIN, "both signalled: ready");
	t_err(import_fence(buf, merge.fence, DMA_BUF_SYNC_WRITE), 0,
	      "fences that have signalled");
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "they change nothing");
	close(merge.fence);
	close(a);
	close(b);
	for (unsigned int i = 0; i < 500; i++)
		put_fence(buf, line, 10 + i, i & 1 ? DMA_BUF_SYNC_READ :
						     DMA_BUF_SYNC_WRITE);
	t_ok(poll_now(buf, IN_OUT) == 0, "500 fences later: pending");
	timeline_inc(line, 1000);
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "and ready");
	close(line);
	close(other);
	close(buf);
	group_end(&g);
}

/* Timelines of their own, so that each needs a slot in the reservation. */
static void test_many_timelines(void)
{
	int buf, lines[100], fence;
	struct group g;

	group_begin(&g, "many timelines on one buffer");
	buf = new_buffer(page_size());
	for (int i = 0; i < 100; i++) {
		lines[i] = timeline_open();
		put_fence(buf, lines[i], 1, DMA_BUF_SYNC_READ);
	}
	fence = export_fence(buf, DMA_BUF_SYNC_WRITE);
	t_ok(fence_count(fence, NULL) == 100, "100 fences are exported");
	t_ok(poll_now(buf, IN_OUT) == POLLIN, "the buffer is only readable");
	for (int i = 0; i < 100; i++)
		close(lines[i]);
	t_ok(poll_now(buf, IN_OUT) == IN_OUT, "all ended: both");
	close(fence);
	close(buf);
	group_end(&g);
}

static int dma_sync(int buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync);
}

struct syncer {
	pthread_t thread;
	int buf;
	__u64 flags;
	int ret;
	bool done;
};

static void *sync_thread(void *arg)
{
	struct syncer *s = arg;

	s->ret = dma_sync(s->buf, s->flags);
	__atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* SYNC_START waits for the fences that the access must wait for. */
static void test_sync(void)
{
	struct syncer s;
	struct group g;
	int buf, line;

	group_begin(&g, "SYNC waits for fences");
	buf = new_buffer(page_size());
	line = timeline_open();
	put_fence(buf, line, 1, DMA_BUF_SYNC_READ);
	t_err(dma_sync(buf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), 0,
	      "reading does not wait for a reader");
	t_err(dma_sync(buf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW), 0,
	      "the end of an access does not wait");

	s = (struct syncer){
		.buf = buf,
		.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE,
	};
	t_need(!pthread_create(&s.thread, NULL, sync_thread, &s), "thread");
	nap_ms(200);
	t_ok(!__atomic_load_n(&s.done, __ATOMIC_ACQUIRE),
	     "writing waits for a reader");
	timeline_inc(line, 1);
	pthread_join(s.thread, NULL);
	t_err(s.ret, 0, "and goes on when it is done");

	put_fence(buf, line, 2, DMA_BUF_SYNC_WRITE);
	interrupt_every_ms(100);
	t_err(dma_sync(buf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), EINTR,
	      "a signal ends the wait for a writer");
	interrupt_every_ms(0);
	close(line);
	t_err(dma_sync(buf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), 0,
	      "a writer that failed is waited for no more");
	close(buf);
	group_end(&g);
}

static void test_bufinfo(void)
{
	char text[4096];
	struct group g;
	int buf, line;

	group_begin(&g, "fences in bufinfo");
	buf = new_buffer(page_size());
	line = timeline_open();
	t_ok(bufinfo_of(buf, text, sizeof(text)) && !strstr(text, " fence:"),
	     "none at first");
	put_fence(buf, line, 1, DMA_BUF_SYNC_READ);
	t_ok(bufinfo_of(buf, text, sizeof(text)) &&
	     strstr(text, "\tread fence:") && strstr(text, " unsignalled\n"),
	     "a read fence");
	put_fence(buf, line, 2, DMA_BUF_SYNC_WRITE);
	t_ok(bufinfo_of(buf, text, sizeof(text)) &&
	     strstr(text, "\twrite fence:") && strstr(text, "sw_sync"),
	     "a write fence, with its driver");
	close(line);
	close(buf);
	group_end(&g);
}

int main(void)
{
	t_begin();
	if (!have_fences())
		return t_end();
	test_poll();
	test_wake();
	test_epoll();
	test_epoll_exclusive();
	test_close_pending();
	test_export();
	test_import();
	test_many_timelines();
	test_sync();
	test_bufinfo();
	return t_end();
}
