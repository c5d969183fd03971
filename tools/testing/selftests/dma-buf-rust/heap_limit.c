// SPDX-License-Identifier: GPL-2.0
/*
 * 128 heaps and one more: loads heap_limit.ko and looks at what it found out.
 * The heaps stay until the machine is switched off: run this last.
 */
#include <dirent.h>
#include <sys/ioctl.h>

#include <linux/dma-heap.h>

#include "common.h"
#include "modules.h"

#define MAX_HEAPS_EVER	128
/* What heap_limit.ko returns to everybody who allocates from it. */
#define THEIR_ERROR	EXDEV

static int count_nodes(void)
{
	DIR *dir = opendir("/dev/dma_heap");
	struct dirent *e;
	int n = 0;

	t_need(dir, "opendir /dev/dma_heap");
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static char *param(const char *name, char *text, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/heap_limit/parameters/%s",
		 name);
	t_need(read_file(path, text, len), path);
	return text;
}

static void refused(const char *name, int err, const char *what)
{
	char text[32];
	int got = -atoi(param(name, text, sizeof(text)));

	if (got != err)
		t_note("got %s (errno %d)", got ? strerror(got) : "success", got);
	t_ok(got == err, "%s: %s", what, strerror(err));
}

static void test_full(int before)
{
	struct dma_heap_allocation_data data = { .len = 1 };
	char text[32];
	struct group g;
	int heap, n;

	group_begin(&g, "a full table");
	n = atoi(param("added", text, sizeof(text)));
	t_ok(before + n == MAX_HEAPS_EVER, "%d heaps and %d more make %d", before,
	     n, MAX_HEAPS_EVER);
	refused("full_error", EBUSY, "one more");
	t_ok(count_nodes() == MAX_HEAPS_EVER, "each has a node in /dev");
	param("data_kept", text, sizeof(text));
	t_ok(text[0] == 'Y', "each has the name and data it was given");

	snprintf(text, sizeof(text), "heap_limit_%03d", n - 1);
	heap = open_heap(text);
	t_err(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), THEIR_ERROR,
	      "the last one is asked for a buffer");
	data.heap_flags = 1;
	t_err(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), EINVAL,
	      "a bad flag does not get that far");
	close(heap);
	group_end(&g);
}

static void test_refused(void)
{
	struct group g;
	int buf;

	group_begin(&g, "heaps that must be refused");
	refused("null_name_error", EINVAL, "no name");
	refused("empty_name_error", EINVAL, "an empty name");
	refused("null_ops_error", EINVAL, "no operations");
	refused("no_allocate_error", EINVAL, "no allocate operation");
	refused("duplicate_error", EEXIST, "a second heap \"system\"");
	buf = new_buffer(page_size());
	t_ok(buf >= 0, "the first heap \"system\" still works");
	close(buf);
	group_end(&g);
}

int main(int argc, char **argv)
{
	int before, module;

	t_begin();
	before = count_nodes();
	module = open_module(argc > 1 ? argv[1] : NULL, "heap_limit");
	if (module < 0) {
		t_skip("no heap_limit.ko beside this program: %s",
		       strerror(errno));
		return t_end();
	}
	if (insert_module(module, "")) {
		t_need(errno == EEXIST, "load heap_limit.ko");
		t_skip("heap_limit.ko is loaded already: start a fresh machine");
		return t_end();
	}
	close(module);
	test_full(before);
	test_refused();
	t_err(module_unload("heap_limit"), EBUSY, "the module cannot be unloaded");
	return t_end();
}
