// SPDX-License-Identifier: GPL-2.0
/*
 * What fail_each lets fail: file operations that have no ioctl, what heaps say of
 * themselves, and the close of each kind of file, which works whatever fails.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "fail_each.h"

#define PROPERTIES	"/sys/class/dma_heap/system/"

static int epoll = -1;

static int seek_buffers(void)
{
	const int fds[] = { things.buf, things.contiguous, things.shared };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] < 0)
			continue;
		if (lseek(fds[i], 0, SEEK_END) < 0 || lseek(fds[i], 0, SEEK_SET) < 0)
			return -1;
	}
	return 0;
}

/* All before that is written again, and forgotten. */
static int seek_in(const char *path)
{
	char byte;

	if (keep(open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	if (lseek(things.fd, 20, SEEK_SET) < 0)
		return -1;
	return read(things.fd, &byte, 1);
}

static int seek_bufinfo(void)
{
	return seek_in(BUFINFO);
}

static int seek_sync_info(void)
{
	return seek_in(SYNC_INFO);
}

static bool has_properties(void)
{
	return there_is(!access(PROPERTIES "memory", F_OK),
			PROPERTIES "memory: heaps of the C core say nothing");
}

static int read_properties(void)
{
	static const char * const files[] = {
		PROPERTIES "alignment", PROPERTIES "cached", PROPERTIES "contiguous",
		PROPERTIES "memory", PROPERTIES "zeroed_ahead",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (read_whole(files[i]) < 0)
			return -1;
		close_one(&things.fd);
	}
	return 0;
}

static bool has_epoll(void)
{
	return there_is(epoll >= 0, "epoll: CONFIG_EPOLL");
}

static bool has_watched_fences(void)
{
	return has_epoll() && has_fences();
}

static int add_to(int where, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };

	return epoll_ctl(where, EPOLL_CTL_ADD, fd, &event);
}

static int watch(int fd)
{
	struct epoll_event event = { .events = EPOLLOUT };

	if (fd < 0)
		return 0;
	if (add_to(epoll, fd) || epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event))
		return -1;
	return epoll_wait(epoll, &event, 1, 0);
}

static int watch_buffers(void)
{
	if (watch(things.buf) < 0 || watch(things.contiguous) < 0)
		return -1;
	return watch(things.shared);
}

static int watch_fences(void)
{
	return watch(things.fences[0]) < 0 ? -1 : watch(things.merged);
}

static void unwatch(void)
{
	const int fds[] = {
		things.buf, things.contiguous, things.shared, things.fences[0], things.merged,
	};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			epoll_ctl(epoll, EPOLL_CTL_DEL, fds[i], NULL);
}

/* A kind of file, that there is one at all (NULL: always), and a new one */
struct kind {
	const char *name;
	bool (*ready)(void);
	int (*make)(void);
};

static const struct kind *kind;
/* What the file needs, if that is open besides */
static int companion = -1;

static int make_heap(void)
{
	return open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
}

static int make_buffer(void)
{
	return alloc_fd(things.heap, PAGES * page_size());
}

static int make_contiguous(void)
{
	return alloc_fd(things.cma, PAGES * page_size());
}

static int make_udmabuf(void)
{
	return udmabuf_of_pages(things.memfd, 0, PAGES);
}

static int make_busy(void)
{
	int buf = make_buffer();

	t_need(!import_fence(buf, things.fences[0], DMA_BUF_SYNC_WRITE), "import a fence");
	return buf;
}

static int make_watched(void)
{
	int buf = make_buffer();

	t_need(!add_to(epoll, buf), "EPOLL_CTL_ADD");
	return buf;
}

static int make_fence(void)
{
	return timeline_try_fence(things.lines[0], 5000);
}

static int make_merged(void)
{
	return merge_fences(things.fences[0], things.fences[1], "closed");
}

/* Its fence is signalled when it is closed. */
static int make_line(void)
{
	int line = timeline_open();

	close_one(&companion);
	companion = timeline_fence(line, 1);
	return line;
}

static int make_device(void)
{
	return open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
}

/* Something has been read: there is memory to let go. */
static int make_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;

	t_need(read(fd, &byte, 1) == 1, path);
	return fd;
}

static int make_bufinfo(void)
{
	return make_open(BUFINFO);
}

static int make_sync_info(void)
{
	return make_open(SYNC_INFO);
}

/* What watches lets go before what is watched is closed. */
static int make_epoll(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	t_need(!add_to(fd, things.buf) && !add_to(fd, things.fences[0]), "EPOLL_CTL_ADD");
	return fd;
}

static int make_card(void)
{
	int card = open_card("vgem");
	__u32 handle;

	t_need(!prime_import(card, things.idle, &handle), "PRIME_FD_TO_HANDLE");
	return card;
}

static int make_job(void)
{
	t_need(!import_by_job(things.idle), "a job");
	return things.fd;
}

static int make_issuer(void)
{
	t_need(!make_context(), "a context");
	return things.fd;
}

static void make_it(void)
{
	t_need(keep(kind->make()) >= 0, kind->name);
}

static bool make_first(void)
{
	if (kind->ready && !kind->ready())
		return false;
	make_it();
	return true;
}

static int close_it(void)
{
	int fd = things.fd;

	things.fd = -1;
	return close(fd);
}

static void fail_close(const struct kind *which)
{
	char title[80];
	const struct operation op = {
		.name = title, .ready = make_first, .act = close_it, .undo = make_it,
		.must_work = true,
	};

	kind = which;
	snprintf(title, sizeof(title), "close of %s", which->name);
	fail_each(&op);
	close_one(&things.fd);
	close_one(&companion);
}

static void fail_closes(void)
{
	static const struct kind kinds[] = {
		{ "a heap", NULL, make_heap },
		{ "a buffer", NULL, make_buffer },
		{ "a buffer, contiguous", has_cma, make_contiguous },
		{ "a udmabuf", has_udmabuf, make_udmabuf },
		{ "a buffer with a fence", has_fences, make_busy },
		{ "a buffer that is watched", has_epoll, make_watched },
		{ "a sync_file", has_fences, make_fence },
		{ "a sync_file of several fences", has_fences, make_merged },
		{ "sw_sync with a fence", has_fences, make_line },
		{ "the device of udmabuf", has_udmabuf, make_device },
		{ "bufinfo", NULL, make_bufinfo },
		{ "sync/info", has_fences, make_sync_info },
		{ "an epoll that watches", has_watched_fences, make_epoll },
		{ "a card that has imported", has_card, make_card },
		{ "an importer in Rust", has_importer, make_job },
		{ "a driver in Rust with a context", has_issuer, make_issuer },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		fail_close(&kinds[i]);
}

static const struct operation file_operations[] = {
	OP("lseek of buffers", NULL, seek_buffers),
	OP("lseek in bufinfo", NULL, seek_bufinfo),
	OP("lseek in sync/info", has_fences, seek_sync_info),
	OP("the properties of a heap", has_properties, read_properties),
	{
		.name = "epoll of buffers",
		.ready = has_epoll, .act = watch_buffers, .undo = unwatch,
	},
	{
		.name = "epoll of sync_files",
		.ready = has_watched_fences, .act = watch_fences, .undo = unwatch,
	},
};

void fail_files(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	fail_all(file_operations, ARRAY_SIZE(file_operations));
	fail_closes();
	close_one(&epoll);
}
