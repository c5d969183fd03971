// SPDX-License-Identifier: GPL-2.0
/*
 * An importer in the kernel that maps and unmaps in every order: loads
 * attach.ko on a buffer of each heap and on udmabufs, and looks at what it found out.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/dma-heap.h>

#include "common.h"
#include "udmabufs.h"

/* Larger than the blocks that the system heap is made of. */
#define BUFFER_LEN	(3 * MEGABYTE + page_size())

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
static int import_buffer(int module, const char *name, int buf, size_t len)
{
	char params[32], text[32] = "", entries[32] = "";
	char *p;

	snprintf(params, sizeof(params), "fd=%d", buf);
	t_err(syscall(SYS_finit_module, module, params, 0), 0, "%s: import",
	      name);
	parameter("failed_line", text, sizeof(text));
	if (strcmp(text, "0\n"))
		t_note("attach.c:%s", text);
	t_ok(!strcmp(text, "0\n"), "%s: mapped and unmapped in every order",
	     name);
	parameter("entries", entries, sizeof(entries));
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, buf, 0);
	t_ok(p != MAP_FAILED && all_bytes_are(p, len, 'k'),
	     "%s: what the kernel wrote is there", name);
	munmap(p, len);
	t_err(syscall(SYS_delete_module, "attach", O_NONBLOCK), 0,
	      "%s: unload", name);
	return atoi(entries);
}

static void test_heap(int module, const char *heap_name)
{
	int heap = open_heap(heap_name);
	struct group g;
	int buf;

	group_begin(&g, heap_name);
	buf = alloc_fd(heap, BUFFER_LEN);
	t_err(buf, 0, "%s: a buffer", heap_name);
	t_ok(import_buffer(module, heap_name, buf, BUFFER_LEN) > 0,
	     "%s: it is in pieces", heap_name);
	close(buf);
	group_end(&g);
	close(heap);
}

static void test_udmabuf(int module)
{
	int device, fd, buf;
	struct group g;

	group_begin(&g, "udmabuf");
	device = udmabuf_open();
	if (device >= 0) {
		fd = new_memfd(BUFFER_LEN / page_size(), F_SEAL_SHRINK);
		buf = udmabuf_of_pages(fd, 0, BUFFER_LEN / page_size());
		t_err(buf, 0, "udmabuf: a buffer");
		close(fd);
		t_ok(import_buffer(module, "udmabuf", buf, BUFFER_LEN) > 0,
		     "udmabuf: it is in pieces");
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

int main(int argc, char **argv)
{
	char names[MAX_HEAPS][64];
	int i, n, module;

	t_begin();
	n = list_heaps(names);
	module = open_module(argc > 1 ? argv[1] : NULL, "attach");
	if (module < 0) {
		t_skip("no attach.ko beside this program: %s", strerror(errno));
		return t_end();
	}
	/* What is no dma-buf is not imported. */
	t_err(syscall(SYS_finit_module, module, "fd=-1", 0), EBADF, "no fd");
	for (i = 0; i < n; i++)
		test_heap(module, names[i]);
	test_udmabuf(module);
	want_huge_pages(true);
	test_huge(module);
	want_huge_pages(false);
	close(module);
	return t_end();
}
