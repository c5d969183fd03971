// SPDX-License-Identifier: GPL-2.0
/*
 * An importer in the kernel that maps and unmaps in every order: loads
 * attach.ko on a buffer of each heap and looks at what it found out.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/dma-heap.h>

#include "common.h"

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

static void test_heap(int module, const char *heap_name)
{
	int heap = open_heap(heap_name);
	char params[32], text[32] = "";
	size_t len = BUFFER_LEN;
	struct group g;
	char *p;
	int buf;

	group_begin(&g, heap_name);
	buf = alloc_fd(heap, len);
	t_err(buf, 0, "%s: a buffer", heap_name);
	snprintf(params, sizeof(params), "fd=%d", buf);
	t_err(syscall(SYS_finit_module, module, params, 0), 0, "%s: import",
	      heap_name);
	read_file("/sys/module/attach/parameters/failed_line", text,
		  sizeof(text));
	if (strcmp(text, "0\n"))
		t_note("attach.c:%s", text);
	t_ok(!strcmp(text, "0\n"), "%s: mapped and unmapped in every order",
	     heap_name);
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, buf, 0);
	t_ok(p != MAP_FAILED && all_bytes_are(p, len, 'k'),
	     "%s: what the kernel wrote is there", heap_name);
	munmap(p, len);
	t_err(syscall(SYS_delete_module, "attach", O_NONBLOCK), 0,
	      "%s: unload", heap_name);
	close(buf);
	group_end(&g);
	close(heap);
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
	close(module);
	return t_end();
}
