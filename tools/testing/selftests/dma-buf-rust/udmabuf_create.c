// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/udmabuf: everything that can be wrong with a request, the limits, and
 * the file descriptor that comes back.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "udmabufs.h"

#define PAGES		4
#define LIST_LIMIT	UDMABUF_PARAM "list_limit"
#define SIZE_LIMIT	UDMABUF_PARAM "size_limit_mb"

static int device;
/* With all that a buffer needs */
static int good;

static void test_commands(void)
{
	struct udmabuf_create arg = { .memfd = good, .size = page_size() };
	struct group g;
	void *bad;

	group_begin(&g, "commands and pointers");
	t_err(ioctl(device, 0, &arg), ENOTTY, "command 0");
	t_err(ioctl(device, _IO('u', 0x42), &arg), ENOTTY, "no argument");
	t_err(ioctl(device, _IOWR('u', 0x42, arg), &arg), ENOTTY,
	      "an argument to be written");
	t_err(ioctl(device, _IOW('u', 0x42, __u64), &arg), ENOTTY,
	      "a shorter argument");
	t_err(ioctl(device, _IOW('U', 0x42, arg), &arg), ENOTTY, "another type");
	t_err(ioctl(device, _IOW('u', 0x44, arg), &arg), ENOTTY, "another number");

	bad = ptr_unmapped();
	t_err(ioctl(device, UDMABUF_CREATE, NULL), EFAULT, "create: NULL");
	t_err(ioctl(device, UDMABUF_CREATE, bad), EFAULT, "create: not mapped");
	t_err(ioctl(device, UDMABUF_CREATE_LIST, NULL), EFAULT, "list: NULL");
	t_err(ioctl(device, UDMABUF_CREATE_LIST, bad), EFAULT,
	      "list: not mapped");
	bad = ptr_straddle(&arg, sizeof(arg), sizeof(arg) - 1);
	t_err(ioctl(device, UDMABUF_CREATE, bad), EFAULT,
	      "create: the last byte is not mapped");
	ptr_free(bad);
	group_end(&g);
}

static void test_files(void)
{
	int pipes[2], fd;
	struct group g;

	group_begin(&g, "files that are no memory files");
	t_err(udmabuf_of_pages(-1, 0, 1), EBADFD, "fd -1");
	t_err(udmabuf_of_pages(device, 0, 1), EBADFD, "the device itself");
	t_need(!pipe2(pipes, O_CLOEXEC), "pipe");
	t_err(udmabuf_of_pages(pipes[0], 0, 1), EBADFD, "a pipe");
	close(pipes[0]);
	close(pipes[1]);
	t_err(udmabuf_of_pages(pipes[0], 0, 1), EBADFD, "a closed fd");
	fd = udmabuf_of_pages(good, 0, 1);
	t_err(fd, 0, "a memory file");
	t_err(udmabuf_of_pages(fd, 0, 1), EBADFD, "a buffer");
	close(fd);
	fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		t_skip("no file in /tmp");
	} else {
		t_need(!ftruncate(fd, page_size()), "ftruncate");
		t_err(udmabuf_of_pages(fd, 0, 1), EINVAL, "a file of a tmpfs");
		close(fd);
	}
	fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	t_err(udmabuf_of_pages(fd, 0, 1), EBADFD, "a path");
	close(fd);
	group_end(&g);
}

static void test_seals(void)
{
	static const struct {
		const char *name;
		unsigned int seals;
		int err;
	} tests[] = {
		{ "none", 0, EINVAL },
		{ "grow", F_SEAL_GROW, EINVAL },
		{ "shrink", F_SEAL_SHRINK, 0 },
		{ "shrink, grow", F_SEAL_SHRINK | F_SEAL_GROW, 0 },
		{ "shrink, seal", F_SEAL_SHRINK | F_SEAL_SEAL, 0 },
		{ "shrink, write", F_SEAL_SHRINK | F_SEAL_WRITE, EINVAL },
		{ "shrink, future write",
		  F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE, EINVAL },
	};
	struct group g;
	int fd, buf;

	group_begin(&g, "seals");
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		fd = new_memfd(1, tests[i].seals);
		buf = udmabuf_of_pages(fd, 0, 1);
		t_err(buf, tests[i].err, "%s", tests[i].name);
		if (buf >= 0)
			close(buf);
		close(fd);
	}
	fd = memfd_create("unsealable", MFD_CLOEXEC);
	t_need(fd >= 0 && !ftruncate(fd, page_size()), "memfd_create");
	t_err(udmabuf_of_pages(fd, 0, 1), EINVAL, "none allowed");
	close(fd);
	group_end(&g);
}

static void test_ranges(void)
{
	const __u64 page = page_size(), huge = 1ULL << 63;
	const struct {
		const char *name;
		__u64 offset, size;
	} tests[] = {
		{ "no bytes", 0, 0 },
		{ "a byte", 0, 1 },
		{ "half a page", 0, page / 2 },
		{ "a page and a byte", 0, page + 1 },
		{ "from within a page", page / 2, page },
		{ "a page too many", 0, (PAGES + 1) * page },
		{ "behind the end", PAGES * page, page },
		{ "beginning inside, ending outside", page, PAGES * page },
		{ "a negative offset", huge, page },
		{ "the last page of all", -page, page },
		{ "a negative size", 0, huge },
		{ "everything", 0, -page },
		{ "offset and size overflow", page, -page },
		{ "offset and size overflow half", huge - page, huge },
		{ "more than fits in 32 bits", 0, (1ULL << 32) + page },
		{ "pages that do not fit in 32 bits", 0, (1ULL << 44) + page },
	};
	struct group g;
	int log = log_open();

	group_begin(&g, "ranges");
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		t_err(udmabuf_of(good, 0, tests[i].offset, tests[i].size),
		      EINVAL, "%s", tests[i].name);
	t_err(udmabuf_of(-1, 0, 1, page), EINVAL,
	      "a bad range comes before a bad file");
	t_err(udmabuf_of(good, 0, 0, 1ULL << 40), EINVAL, "a terabyte");
	/* the C core warns: it makes arrays for the pages before it looks at the file */
	t_ok(log_is_clean(log), "the kernel has nothing to say about any");
	group_end(&g);
	close(log);
}

static void test_lists(void)
{
	const size_t size = sizeof(struct udmabuf_create_item);
	struct udmabuf_create_list head = { .count = 2 };
	struct udmabuf_create_item items[3] = {
		pages_of(good, 0, 1), pages_of(good, 1, 1), pages_of(good, 2, 1),
	};
	char both[sizeof(head) + 2 * sizeof(items[0])];
	struct group g;
	void *bad;
	int fd;

	group_begin(&g, "lists");
	t_err(udmabuf_of_list(items, 0), EINVAL, "no items");
	fd = udmabuf_of_list(items, 3);
	t_err(fd, 0, "three items");
	t_ok(lseek(fd, 0, SEEK_END) == 3 * (off_t)page_size(),
	     "the size is that of all");
	close(fd);

	memcpy(both, &head, sizeof(head));
	memcpy(both + sizeof(head), items, 2 * size);
	bad = ptr_straddle(both, sizeof(both), sizeof(head) - 1);
	t_err(ioctl(device, UDMABUF_CREATE_LIST, bad), EFAULT,
	      "the last byte of the head is not mapped");
	ptr_free(bad);
	bad = ptr_straddle(both, sizeof(both), sizeof(head));
	t_err(ioctl(device, UDMABUF_CREATE_LIST, bad), EFAULT,
	      "the items are not mapped");
	ptr_free(bad);
	bad = ptr_straddle(both, sizeof(both), sizeof(both) - 1);
	t_err(ioctl(device, UDMABUF_CREATE_LIST, bad), EFAULT,
	      "the last byte of the items is not mapped");
	ptr_free(bad);

	items[1].__pad = ~0U;
	fd = udmabuf_of_list(items, 3);
	t_err(fd, 0, "padding is not looked at");
	close(fd);
	items[1].size = 0;
	t_err(udmabuf_of_list(items, 3), EINVAL, "an empty item among others");
	items[1] = pages_of(good, PAGES, 1);
	t_err(udmabuf_of_list(items, 3), EINVAL, "an item behind the end");
	items[1] = pages_of(-1, 1, 1);
	t_err(udmabuf_of_list(items, 3), EBADFD, "an item without a file");
	items[2].offset = 1;
	t_err(udmabuf_of_list(items, 3), EINVAL,
	      "a bad range behind an item without a file");
	group_end(&g);
}

/* What was pinned before something failed is let go. */
static void test_undone(void)
{
	const size_t pages = MEGABYTE / page_size();
	struct udmabuf_create_item items[2];
	struct group g;

	group_begin(&g, "failures leave nothing behind");
	for (int i = 0; i < LEAK_ROUNDS; i++) {
		int fd = new_memfd(pages, F_SEAL_SHRINK);

		items[0] = pages_of(fd, 0, pages);
		items[1] = pages_of(fd, pages, 1);
		if (udmabuf_of_list(items, 2) >= 0)
			t_ok(false, "a list ending behind the end");
		close(fd);
	}
	for (int i = 0; i < LEAK_ROUNDS; i++) {
		int fd = new_memfd(pages, F_SEAL_SHRINK), ret;

		fd_table_full(true);
		ret = udmabuf_of_pages(fd, 0, pages);
		fd_table_full(false);
		if (!i)
			t_err(ret, EMFILE, "no fd to be had");
		close(fd);
	}
	group_end(&g);
}

static void set_param(const char *path, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	t_need(write_file(path, text), path);
}

static void is_param(const char *path, long value)
{
	struct stat st = { 0 };
	char text[32] = "";

	t_ok(read_file(path, text, sizeof(text)) && atol(text) == value,
	     "%s is %ld", path, value);
	t_ok(!stat(path, &st) && (st.st_mode & 07777) == 0644,
	     "root can change it");
}

/* So many times the same page */
static int repeated(size_t count)
{
	struct udmabuf_create_item *items = calloc(count, sizeof(*items));
	int fd, err;

	t_need(items, "calloc");
	for (size_t i = 0; i < count; i++)
		items[i] = pages_of(good, 0, 1);
	fd = udmabuf_of_list(items, count);
	err = errno;
	free(items);
	errno = err;
	return fd;
}

static void works(int fd, const char *what)
{
	t_err(fd, 0, "%s", what);
	if (fd >= 0)
		close(fd);
}

static void test_list_limit(void)
{
	/* 2^32 / 24, rounded up: so many items take 8 bytes, modulo 2^32 */
	struct udmabuf_create_list many = { .count = 178956971 };
	struct group g;

	group_begin(&g, "the limit of items");
	is_param(LIST_LIMIT, 1024);
	works(repeated(1024), "1024 items");
	t_err(repeated(1025), EINVAL, "1025 items");
	t_err(ioctl(device, UDMABUF_CREATE_LIST, &many), EINVAL, "far too many");
	set_param(LIST_LIMIT, 2);
	works(repeated(2), "limit 2: 2 items");
	t_err(repeated(3), EINVAL, "limit 2: 3 items");
	set_param(LIST_LIMIT, 0);
	t_err(repeated(1), EINVAL, "limit 0: 1 item");
	works(udmabuf_of_pages(good, 0, 1), "limit 0: without a list");
	set_param(LIST_LIMIT, -1);
	works(repeated(5000), "limit -1: 5000 items");
	set_param(LIST_LIMIT, INT_MAX);
	/* the C core counts bytes in 32 bits, and looks for the items behind its memory */
	t_err(ioctl(device, UDMABUF_CREATE_LIST, &many), ENOMEM,
	      "largest limit: more items than there is memory");
	set_param(LIST_LIMIT, 1024);
	group_end(&g);
}

static void test_size_limit(void)
{
	const size_t pages = MEGABYTE / page_size();
	int fd = new_memfd(pages + 1, F_SEAL_SHRINK);
	struct udmabuf_create_item items[2] = {
		pages_of(fd, 0, pages), pages_of(fd, 0, 1),
	};
	struct group g;

	group_begin(&g, "the limit of megabytes");
	is_param(SIZE_LIMIT, INT_MAX);
	set_param(SIZE_LIMIT, 1);
	works(udmabuf_of_pages(fd, 0, pages), "limit 1: 1 MiB");
	t_err(udmabuf_of_pages(fd, 0, pages + 1), EINVAL,
	      "limit 1: 1 MiB and a page");
	t_err(udmabuf_of_list(items, 2), EINVAL, "limit 1: the same in a list");
	set_param(SIZE_LIMIT, 0);
	t_err(udmabuf_of_pages(fd, 0, 1), EINVAL, "limit 0: a page");
	set_param(SIZE_LIMIT, -1);
	works(udmabuf_of_pages(fd, 0, pages + 1), "limit -1: more than 1 MiB");
	set_param(SIZE_LIMIT, INT_MAX);
	group_end(&g);
	close(fd);
}

/*
 * 1024 times 4 MiB of the same file are 4 GiB: more than a 32-bit machine can
 * say. The C core has a buffer of 0 bytes then.
 */
static void test_overflow(void)
{
	const size_t pages = 4 * MEGABYTE / page_size();
	struct udmabuf_create_item *items = calloc(1024, sizeof(*items));
	struct group g;
	int fd, buf;

	group_begin(&g, "more than the machine can address");
	t_need(items, "calloc");
	fd = new_memfd(pages, F_SEAL_SHRINK);
	for (int i = 0; i < 1024; i++)
		items[i] = pages_of(fd, 0, pages);
	buf = udmabuf_of_list(items, 1024);
	if (!has_64_bits()) {
		t_err(buf, EINVAL, "4 GiB");
	} else {
		t_err(buf, 0, "4 GiB");
		t_ok(lseek(buf, 0, SEEK_END) == 1LL << 32, "it is as large");
	}
	if (buf >= 0)
		close(buf);
	close(fd);
	free(items);
	group_end(&g);
}

static void test_result(void)
{
	char text[4096];
	struct group g;
	int fd;

	group_begin(&g, "the fd");
	fd = udmabuf_of(good, 0, 0, 2 * page_size());
	t_ok(fcntl(fd, F_GETFD) == 0, "it is inherited");
	t_ok((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR, "for read and write");
	t_ok(bufinfo_of(fd, text, sizeof(text)) && strstr(text, "udmabuf"),
	     "the exporter's name");
	close(fd);
	fd = udmabuf_of(good, UDMABUF_FLAGS_CLOEXEC, 0, page_size());
	t_ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "with the flag it is not");
	close(fd);
	fd = udmabuf_of(good, ~UDMABUF_FLAGS_CLOEXEC, 0, page_size());
	t_err(fd, 0, "flags that do not exist are not looked at");
	t_ok(fcntl(fd, F_GETFD) == 0, "nor do they count");
	close(fd);
	group_end(&g);
}

int main(void)
{
	t_begin();
	device = udmabuf_open();
	if (device < 0)
		return t_end();
	good = new_memfd(PAGES, F_SEAL_SHRINK);
	test_commands();
	test_files();
	test_seals();
	test_ranges();
	test_lists();
	test_undone();
	test_result();
	test_size_limit();
	test_overflow();
	test_list_limit();
	close(good);
	close(device);
	return t_end();
}
