// SPDX-License-Identifier: GPL-2.0
/*
 * The sample importer's fences: those that it waits for, and the one that it
 * keeps writers away with.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "cpus.h"
#include "importer_sample.h"

/* How often it is tried again when the device could go on too early */
#define TRIES	20

/* A job of the device keeps writers away, but not readers. */
void test_fence(void)
{
	bool pending, seen = false, readable = true, signalled = true, named = false;
	size_t len = 8 * page_size();
	int dev, buf, writer, reader;
	struct sync_fence_info each = { 0 };
	struct sync_file_info info;
	struct group g;
	char text[4096];

	group_begin(&g, "the device's fence");
	dev = device();
	buf = new_buffer(len);
	fill(buf, len);
	for (int i = 0; i < TRIES && !(seen && named); i++) {
		cpus_take();
		t_need(!submit(dev, buf, NULL), "submit");
		writer = export_fence(buf, DMA_BUF_SYNC_WRITE);
		pending = poll_now(buf, IN_OUT) == POLLIN;
		readable &= !!(poll_now(buf, POLLIN) & POLLIN);
		named |= bufinfo_of(buf, text, sizeof(text)) &&
			 strstr(text, "\tread fence:") &&
			 strstr(text, " rust-dma-buf-importer rust_dma_buf_importer unsignalled") &&
			 strstr(text, "rust-dma-buf-importer\n");
		seen |= pending && !poll_now(writer, POLLIN);
		reader = export_fence(buf, DMA_BUF_SYNC_READ);
		readable &= poll_now(reader, POLLIN) == POLLIN;
		cpus_give();
		close(reader);
		signalled &= poll_signalled(writer) && fence_status(writer) == 1;
		signalled &= !fence_info(writer, &info, &each, 1) &&
			     info.num_fences == 1 && each.status == 1;
		signalled &= becomes_idle(buf);
		close(writer);
	}
	t_ok(seen, "a writer has to wait");
	t_ok(named, "bufinfo names fence and device");
	t_ok(readable, "a reader has not");
	t_ok(signalled, "until the device has read");
	close(buf);
	close(dev);
	group_end(&g);
}

/*
 * Jobs run side by side: who writes has to wait for each of them. Those of one
 * file have one fence, which is signalled after the first as well.
 */
void test_side_by_side(void)
{
	int dev, other, buf, writer, fences = 0;
	struct group g;
	bool ok = true;

	group_begin(&g, "jobs side by side");
	dev = device();
	other = device();
	buf = new_buffer(page_size());
	for (int i = 0; i < TRIES && fences < 2; i++) {
		cpus_take();
		for (int k = 0; k < 2; k++)
			ok &= !submit(dev, buf, NULL);
		ok &= !submit(other, buf, NULL);
		writer = export_fence(buf, DMA_BUF_SYNC_WRITE);
		fences = fence_count(writer, NULL);
		cpus_give();
		ok &= poll_signalled(writer) &&
		      poll_now(buf, IN_OUT) == IN_OUT;
		close(writer);
	}
	t_ok(ok, "all come to an end");
	t_ok(fences == 2, "a writer waits for two files");
	close(buf);
	close(other);
	close(dev);
	group_end(&g);
}

/* Has somebody else write to the buffer, up to "value" of the timeline. */
static void put_writer(int buf, int line, unsigned int value)
{
	int fence = timeline_fence(line, value);

	t_need(!import_fence(buf, fence, DMA_BUF_SYNC_WRITE), "import");
	close(fence);
}

/* As a GPU writes: without a word to the kernel. Returns the checksum. */
static __u32 scribble(int buf)
{
	size_t len = page_size();
	unsigned char *bytes;
	__u32 sum;

	bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);
	t_need(bytes != MAP_FAILED, "mmap");
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= 0xa5;
	sum = fnv1a(bytes, len);
	munmap(bytes, len);
	return sum;
}

/* It reads only after those who write, and does not wait for those who read. */
void test_waits(int line)
{
	struct rust_dma_buf_importer_result res;
	int dev, fence, buf;
	struct group g;
	struct job j;
	__u32 sum;

	group_begin(&g, "fences of others");
	dev = device();
	buf = new_buffer(page_size());
	sum = fill(buf, page_size());
	fence = timeline_fence(line, 1);
	t_need(!import_fence(buf, fence, DMA_BUF_SYNC_READ), "import");
	close(fence);
	t_ok(!submit(dev, buf, NULL) && !result(dev, &res) &&
	     res.device_sum == sum, "a reader: no wait");
	timeline_inc(line, 1);

	put_writer(buf, line, 2);
	begin(&j, dev, buf);
	nap_ms(300);
	t_ok(!is_done(&j), "a writer: it waits");
	sum = scribble(buf);
	timeline_inc(line, 1);
	pthread_join(j.thread, NULL);
	t_ok(!j.ret && j.sum == sum && !result(dev, &res) &&
	     res.device_sum == sum, "and reads what was written");
	close(buf);
	close(dev);
	group_end(&g);
}

static void nothing(int sig)
{
	(void)sig;
}

void test_signals(int line)
{
	struct sigaction act = { .sa_handler = nothing };
	struct rust_dma_buf_importer_result res;
	int dev, buf, fence, status = 0;
	struct group g;
	struct job j;
	pid_t pid;

	group_begin(&g, "signals");
	dev = device();
	buf = new_buffer(page_size());
	put_writer(buf, line, 3);
	t_need(!sigaction(SIGUSR1, &act, NULL), "sigaction");
	begin(&j, dev, buf);
	/* A signal that comes before the wait ends nothing. */
	while (!is_done(&j)) {
		nap_ms(200);
		pthread_kill(j.thread, SIGUSR1);
	}
	pthread_join(j.thread, NULL);
	t_ok(j.ret == EINTR, "one ends the wait: %s", strerror(j.ret));
	fence = export_fence(buf, DMA_BUF_SYNC_WRITE);
	t_ok(fence_count(fence, NULL) == 1, "and there is no job");
	close(fence);

	act.sa_flags = SA_RESTART;
	t_need(!sigaction(SIGUSR1, &act, NULL), "sigaction");
	begin(&j, dev, buf);
	nap_ms(200);
	pthread_kill(j.thread, SIGUSR1);
	nap_ms(200);
	t_ok(!is_done(&j), "with SA_RESTART it waits on");
	timeline_inc(line, 1);
	pthread_join(j.thread, NULL);
	t_ok(!j.ret && !result(dev, &res) && res.device_sum == j.sum,
	     "and comes to an end");

	put_writer(buf, line, 4);
	pid = fork();
	t_need(pid >= 0, "fork");
	if (!pid) {
		submit(dev, buf, NULL);
		_exit(0);
	}
	nap_ms(200);
	kill(pid, SIGKILL);
	t_ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
	     "a process that waits can be killed");
	close(buf);
	close(dev);
	group_end(&g);
}
