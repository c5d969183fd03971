// SPDX-License-Identifier: GPL-2.0
/*
 * An importer in the kernel that maps and unmaps in every order: loads
 * attach.ko on a buffer of each heap and on udmabufs, and looks at what it found out.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "common.h"
#include "modules.h"
#include "udmabufs.h"

/* Larger than the blocks that the system heap is made of. */
#define BUFFER_LEN	(3 * MEGABYTE + page_size())
/* A bounce buffer has no piece larger than 256 KiB. */
#define BOUNCED_LEN	(128 * 1024)

static size_t buffer_len(void)
{
	return has_bounce_buffers() ? BOUNCED_LEN : BUFFER_LEN;
}

static bool all_bytes_are(const char *p, size_t len, char c)
{
	while (len && *p == c) {
		len--;
		p++;
	}
	return !len;
}

static void parameter(const char *name, char *text, size_t len)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/attach/parameters/%s", name);
	t_ok(read_file(path, text, len), "attach.ko says: %s", name);
}

/* Returns in how many pieces the device got the buffer. */
static int import_as(int module, const char *name, int buf, size_t len,
		     const char *more)
{
	char params[64], text[32] = "", entries[32] = "", events[32] = "";
	char unlocked[32] = "";
	char *p;

	snprintf(params, sizeof(params), "fd=%d bounced=%d %s", buf,
		 has_bounce_buffers(), more);
	t_err(insert_module(module, params), 0, "%s: import", name);
	parameter("failed_line", text, sizeof(text));
	if (strcmp(text, "0\n"))
		t_note("attach.c:%s", text);
	t_ok(!strcmp(text, "0\n"), "%s: mapped and unmapped in every order",
	     name);
	parameter("events", events, sizeof(events));
	parameter("unlocked", unlocked, sizeof(unlocked));
	if (atoi(events) < 0) {
		t_skip("%s: no trace events, or of a module", name);
	} else {
		t_ok(atoi(events) >= 6, "%s: trace events have come", name);
		t_ok(!atoi(unlocked), "%s: each with the name locked", name);
	}
	parameter("entries", entries, sizeof(entries));
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, buf, 0);
	t_ok(p != MAP_FAILED && all_bytes_are(p, len, 'k'),
	     "%s: what the kernel wrote is there", name);
	munmap(p, len);
	t_err(module_unload("attach"), 0, "%s: unload", name);
	return atoi(entries);
}

static int import_buffer(int module, const char *name, int buf, size_t len)
{
	return import_as(module, name, buf, len, "");
}

static void test_heap(int module, const char *heap_name)
{
	const size_t len = buffer_len();
	int heap = open_heap(heap_name);
	struct group g;
	int buf;

	group_begin(&g, heap_name);
	buf = alloc_fd(heap, len);
	t_err(buf, 0, "%s: a buffer", heap_name);
	t_ok(import_as(module, heap_name, buf, len, "clears_map=1") > 0,
	     "%s: it is in pieces", heap_name);
	close(buf);
	group_end(&g);
	close(heap);
}

static void test_udmabuf(int module)
{
	const size_t len = buffer_len();
	int device, fd, buf;
	struct group g;

	group_begin(&g, "udmabuf");
	device = udmabuf_open();
	if (device >= 0) {
		fd = new_memfd(len / page_size(), F_SEAL_SHRINK);
		buf = udmabuf_of_pages(fd, 0, len / page_size());
		t_err(buf, 0, "udmabuf: a buffer");
		close(fd);
		t_ok(import_buffer(module, "udmabuf", buf, len) > 0,
		     "udmabuf: it is in pieces");
		close(buf);
		close(device);
	}
	group_end(&g);
}

/*
 * The memory stays its process's own, which writes to it when it likes. With a
 * bounce buffer (swiotlb=force) or caches that devices do not see, a device that
 * gives the buffer back must not undo that.
 */
static void test_written_behind(int module)
{
	const size_t len = 4 * page_size();
	int device, fd, buf;
	struct group g;

	group_begin(&g, "written while a device has it");
	device = udmabuf_open();
	if (device >= 0) {
		fd = new_memfd(4, F_SEAL_SHRINK);
		buf = udmabuf_of_pages(fd, 0, 4);
		t_err(buf, 0, "a udmabuf");
		close(fd);
		import_as(module, "what was written stays", buf, len,
			  "written_behind=1");
		close(buf);
		close(device);
	}
	group_end(&g);
}

/* Pages of a huge page are neighbours: how many pieces they make is known. */
static void test_huge(int module)
{
	struct udmabuf_create_item items[5];
	int device, fd, buf;
	struct group g;

	group_begin(&g, "huge pages");
	device = udmabuf_open();
	fd = device < 0 ? -1 : new_huge_memfd(1);
	if (fd < 0) {
		t_skip("no huge pages of 2 MiB to be had");
	} else {
		items[0] = pages_of(fd, 4, 4);
		items[1] = pages_of(fd, 8, 1);
		items[2] = pages_of(fd, 9, 3);
		items[3] = pages_of(fd, 11, 2);
		items[4] = pages_of(fd, 2, 1);
		buf = udmabuf_of_list(items, 3);
		t_err(buf, 0, "three neighbours");
		t_ok(import_buffer(module, "neighbours", buf, 8 * page_size()) == 1,
		     "they are one piece");
		close(buf);
		buf = udmabuf_of_list(items, 5);
		t_err(buf, 0, "one piece, a page of it again, one from before it");
		t_ok(import_buffer(module, "pieces", buf, 11 * page_size()) == 3,
		     "they are three pieces");
		close(buf);
		close(fd);
	}
	if (device >= 0)
		close(device);
	group_end(&g);
}

static int sync_access(int buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	return ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync);
}

/* A child that holds the buffer's reservation object for a while */
static pid_t new_holder(int module, int buf)
{
	char params[64], text[32] = "";
	pid_t child = fork();

	t_need(child >= 0, "fork");
	if (!child) {
		snprintf(params, sizeof(params), "fd=%d hold_ms=6000", buf);
		_exit(insert_module(module, params) ? errno : 0);
	}
	for (int ms = 0; ms < PATIENCE_MS && strcmp(text, "Y\n"); ms += 20) {
		nap_ms(20);
		read_file("/sys/module/attach/parameters/holds", text,
			  sizeof(text));
	}
	t_ok(!strcmp(text, "Y\n"), "an importer holds it");
	return child;
}

static void await_holder(pid_t child)
{
	int status = -1;

	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_ok(!status, "the importer has let go");
	t_err(module_unload("attach"), 0, "unload");
}

/*
 * An importer may hold the reservation object for as long as its hardware takes.
 * Who begins to access the memory does not have to wait, or can be interrupted.
 */
static void test_begin_while_held(int module)
{
	int buf, ret, err;
	struct group g;
	pid_t holder;
	__u64 start;

	group_begin(&g, "an importer holds it: begin");
	buf = new_buffer(page_size());
	holder = new_holder(module, buf);
	interrupt_every_ms(300);
	start = now_ns();
	ret = sync_access(buf, DMA_BUF_SYNC_START);
	err = errno;
	t_ok(now_ns() - start < 3000000000ULL && (!ret || err == EINTR),
	     "done, or interrupted, at once");
	t_note("%s", ret ? strerror(err) : "done");
	interrupt_every_ms(0);
	await_holder(holder);
	t_err(sync_access(buf, DMA_BUF_SYNC_START), 0, "begin again");
	t_err(sync_access(buf, DMA_BUF_SYNC_END), 0, "end");
	close(buf);
	group_end(&g);
}

/* Who is killed does not have to wait to end an access, either. */
static void test_end_while_held(int module)
{
	struct group g;
	pid_t holder, child;
	int buf, status, begun[2];
	char byte = 0;
	__u64 start;

	group_begin(&g, "an importer holds it: end");
	t_need(!pipe2(begun, O_CLOEXEC), "pipe2");
	buf = new_buffer(page_size());
	t_err(sync_access(buf, DMA_BUF_SYNC_START), 0, "begin");
	holder = new_holder(module, buf);
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		if (write(begun[1], &byte, 1) != 1)
			_exit(255);
		_exit(sync_access(buf, DMA_BUF_SYNC_END) ? errno : 0);
	}
	t_need(read(begun[0], &byte, 1) == 1, "read");
	close(begun[0]);
	close(begun[1]);
	nap_ms(300);
	start = now_ns();
	kill(child, SIGKILL);
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_ok(now_ns() - start < 3000000000ULL, "killed at once");
	await_holder(holder);
	t_err(sync_access(buf, DMA_BUF_SYNC_END), 0, "end");
	close(buf);
	group_end(&g);
}

/*
 * Who reads bufinfo waits for each buffer's reservation object, but others are
 * not kept from making and dropping buffers meanwhile: in C they are.
 */
static void test_list_while_held(int module)
{
	char text[64];
	struct group g;
	pid_t holder, reader;
	__u64 start;
	int buf;

	group_begin(&g, "an importer holds it: bufinfo");
	buf = new_buffer(page_size());
	holder = new_holder(module, buf);
	reader = fork();
	t_need(reader >= 0, "fork");
	if (!reader) {
		read_file(BUFINFO, text, sizeof(text));
		_exit(0);
	}
	nap_ms(500);
	t_ok(!waitpid(reader, NULL, WNOHANG), "a reader waits");
	start = now_ns();
	for (int i = 0; i < 10; i++)
		close(new_buffer(page_size()));
	t_ok(now_ns() - start < 3000000000ULL, "others make and drop buffers");
	start = now_ns();
	kill(reader, SIGKILL);
	t_need(waitpid(reader, NULL, 0) == reader, "waitpid");
	t_ok(now_ns() - start < 3000000000ULL, "the reader can be killed at once");
	await_holder(holder);
	close(buf);
	group_end(&g);
}

int main(int argc, char **argv)
{
	/* to be seen with the C core: who makes and drops buffers waits for the importer */
	const bool only_bufinfo = argc > 1 && !strcmp(argv[1], "bufinfo");
	char names[MAX_HEAPS][64];
	int i, n, module;

	t_begin();
	n = list_heaps(names);
	module = open_module(argc > 1 && !only_bufinfo ? argv[1] : NULL, "attach");
	if (module < 0) {
		t_skip("no attach.ko beside this program: %s", strerror(errno));
		return t_end();
	}
	if (only_bufinfo) {
		test_list_while_held(module);
		close(module);
		return t_end();
	}
	/* What is no dma-buf is not imported. */
	t_err(insert_module(module, "fd=-1"), EBADF, "no fd");
	for (i = 0; i < n; i++)
		test_heap(module, names[i]);
	test_udmabuf(module);
	test_written_behind(module);
	test_begin_while_held(module);
	test_end_while_held(module);
	if (is_rust_core())
		test_list_while_held(module);
	else
		t_skip("an importer holds it: with C, all wait with who reads bufinfo");
	want_huge_pages(true);
	test_huge(module);
	want_huge_pages(false);
	close(module);
	return t_end();
}
