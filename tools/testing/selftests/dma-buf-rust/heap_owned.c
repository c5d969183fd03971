// SPDX-License-Identifier: GPL-2.0
/*
 * A heap that a driver in C adds and takes away: heap_owned.ko has it.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "modules.h"

#define HEAP		"/dev/dma_heap/heap_owned"
#define COLOR		"/sys/class/dma_heap/heap_owned/color"
#define PARAMETERS	"/sys/module/heap_owned/parameters/"
/* What heap_owned.ko returns to everybody who allocates from it. */
#define THEIR_ERROR	EXDEV

static int heap_open(void)
{
	return open(HEAP, O_RDONLY | O_CLOEXEC);
}

static int unload(void)
{
	return module_unload("heap_owned");
}

/* -1 and errno, as a system call */
static int present(const char *yes_or_no)
{
	int fd = open(PARAMETERS "present", O_WRONLY | O_CLOEXEC), ret, err;

	t_need(fd >= 0, PARAMETERS "present");
	ret = write(fd, yes_or_no, 1) == 1 ? 0 : -1;
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

int main(int argc, char **argv)
{
	int module, heap, stale;
	char text[32];

	t_begin();
	module = open_module(argc > 1 ? argv[1] : NULL, "heap_owned");
	if (module < 0) {
		t_skip("no heap_owned.ko beside this program: %s",
		       strerror(errno));
		return t_end();
	}
	if (insert_module(module, "")) {
		t_need(errno == EOPNOTSUPP, "load heap_owned.ko");
		t_skip("heaps stay for ever with this implementation");
		return t_end();
	}
	t_need(read_file(PARAMETERS "second_error", text, sizeof(text)),
	       "second_error");
	t_ok(atoi(text) == -EEXIST, "a second heap of that name is refused");
	t_ok(read_file(COLOR, text, sizeof(text)) && !strcmp(text, "7\n"),
	     "the file of its device finds what it was added with");
	stale = heap_open();
	t_err(alloc_fd(stale, page_size()), THEIR_ERROR, "the heap is asked");
	t_err(unload(), EAGAIN, "unload with an open file of the heap");

	t_err(present("n"), 0, "remove while a file is open");
	t_err(alloc_fd(stale, page_size()), ENODEV, "allocate from the file");
	t_err(heap_open(), ENOENT, "open");
	t_err(access(COLOR, F_OK), ENOENT, "the file of its device");
	t_err(unload(), EAGAIN, "unload: the file still counts");
	t_err(present("y"), 0, "add it again");
	heap = heap_open();
	t_err(alloc_fd(heap, page_size()), THEIR_ERROR, "the new heap is asked");
	t_err(alloc_fd(stale, page_size()), ENODEV,
	      "the old file is no file of it");
	close(stale);
	t_err(unload(), EAGAIN, "unload with a file of the new one");
	close(heap);
	t_err(unload(), 0, "unload");
	t_err(access(HEAP, F_OK), ENOENT, "the heap has gone with its module");

	t_err(insert_module(module, ""), 0, "load again");
	t_err(present("n"), 0, "remove");
	t_err(unload(), 0, "unload without a heap");
	close(module);
	return t_end();
}
