// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a udmabuf: which pages it has, what a process sees of them, and
 * what becomes of the file that they are from.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <linux/falloc.h>

#include "udmabufs.h"

#define PAGES		8
#define HUGE_PAGES	3
#define PER_HUGE_PAGE	(2 * MEGABYTE / page_size())

/* Writes a number into each page of a file, that says which page it is. */
static void number_pages(int fd, size_t pages, int base)
{
	char *p = map_pages(fd, pages);

	for (size_t i = 0; i < pages; i++)
		*(int *)(p + i * page_size()) = base + i;
	unmap_pages(p, pages);
}

static int number_at(const char *p, size_t page)
{
	return *(const int *)(p + page * page_size());
}

/* Whether these are the pages that a mapping shows. */
static bool shows(const char *p, const int *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (number_at(p, i) == numbers[i])
			continue;
		t_note("page %zu is %d and not %d", i, number_at(p, i),
		       numbers[i]);
		return false;
	}
	return true;
}

/* Upstream's C shows what others left there, and loses what is written. */
static void test_reserved(void)
{
	int fd = new_memfd(1, F_SEAL_SHRINK), buf;
	char *mapped, text[8] = "";

	t_need(!fallocate(fd, 0, 0, page_size()), "fallocate");
	buf = udmabuf_of_pages(fd, 0, 1);
	mapped = map_pages(buf, 1);
	t_ok(!number_at(mapped, 0), "reserved, never touched: empty");
	memcpy(mapped, "buffer", 7);
	t_ok(pread(fd, text, sizeof(text), 0) == sizeof(text) &&
	     !strcmp(text, "buffer"), "what is written is in the file");
	unmap_pages(mapped, 1);
	close(fd);
	close(buf);
}

static void test_shared(void)
{
	char *file, *mapped, text[8] = "";
	struct group g;
	int fd, buf;

	group_begin(&g, "one memory, seen from two sides");
	fd = new_memfd(PAGES, F_SEAL_SHRINK);
	/* no page of it exists yet */
	buf = udmabuf_of_pages(fd, 2, 4);
	file = map_pages(fd, PAGES);
	mapped = map_pages(buf, 4);
	t_ok(!number_at(mapped, 0) && !number_at(mapped, 3),
	     "pages that were never touched are empty");
	memcpy(file + 2 * page_size(), "file", 5);
	t_ok(!strcmp(mapped, "file"), "what is written to the file");
	memcpy(mapped + 3 * page_size(), "buffer", 7);
	t_ok(!strcmp(file + 5 * page_size(), "buffer"),
	     "what is written to the buffer");
	t_ok(pread(fd, text, sizeof(text), 5 * page_size()) == sizeof(text) &&
	     !strcmp(text, "buffer"), "and read from the file");
	t_need(pwrite(fd, "pwrite", 7, 3 * page_size()) == 7, "pwrite");
	t_ok(!strcmp(mapped + page_size(), "pwrite"), "written without mmap");
	unmap_pages(file, PAGES);
	close(fd);
	t_ok(!strcmp(mapped, "file"), "the file is closed, the memory stays");
	close(buf);
	t_ok(!strcmp(mapped, "file"), "both are closed, the mapping stays");
	unmap_pages(mapped, 4);
	group_end(&g);
}

/* Two pages at a time, from everywhere: the fault has to find the second. */
static bool shows_parts(int buf, const int *wanted, size_t count)
{
	bool good = true;
	char *p;

	for (size_t i = 0; i + 1 < count; i++) {
		p = mmap(NULL, 2 * page_size(), PROT_READ, MAP_SHARED, buf,
			 i * page_size());
		t_need(p != MAP_FAILED, "mmap");
		good &= number_at(p, 1) == wanted[i + 1] &&
			number_at(p, 0) == wanted[i];
		unmap_pages(p, 2);
	}
	return good;
}

static void test_order(void)
{
	static const int wanted[] = {
		103, 104, 7, 0, 1, 2, 107, 3, 3, 3, 2, 3, 4,
	};
	struct udmabuf_create_item items[8];
	int a, b, buf;
	struct group g;
	char *p;

	group_begin(&g, "lists");
	a = new_memfd(PAGES, F_SEAL_SHRINK);
	b = new_memfd(PAGES, F_SEAL_SHRINK);
	number_pages(a, PAGES, 0);
	number_pages(b, PAGES, 100);
	items[0] = pages_of(b, 3, 2);
	items[1] = pages_of(a, 7, 1);
	items[2] = pages_of(a, 0, 3);
	items[3] = pages_of(b, 7, 1);
	items[4] = pages_of(a, 3, 1);
	items[5] = pages_of(a, 3, 1);
	items[6] = pages_of(a, 3, 1);
	items[7] = pages_of(a, 2, 3);
	buf = udmabuf_of_list(items, ARRAY_SIZE(items));
	close(b);
	p = map_pages(buf, ARRAY_SIZE(wanted));
	t_ok(shows(p, wanted, ARRAY_SIZE(wanted)),
	     "pages of two files, and some more than once");
	t_ok(shows_parts(buf, wanted, ARRAY_SIZE(wanted)), "any two of them");
	*(int *)(p + 8 * page_size()) = 33;
	t_ok(number_at(p, 7) == 33 && number_at(p, 9) == 33 &&
	     number_at(p, 11) == 33, "a page that is there 4 times changes 4 times");
	unmap_pages(p, ARRAY_SIZE(wanted));

	p = mmap(NULL, 3 * page_size(), PROT_READ, MAP_SHARED, buf,
		 5 * page_size());
	t_need(p != MAP_FAILED, "mmap");
	t_ok(number_at(p, 0) == 2 && number_at(p, 1) == 107 &&
	     number_at(p, 2) == 33, "a part of them");
	unmap_pages(p, 3);
	close(buf);
	close(a);
	group_end(&g);
}

/* More pages than are pinned at once, with neighbours in memory or without */
static void test_many(void)
{
	const size_t pages = 3000;
	int wanted[3000 - 1];
	int fd, buf;
	bool good = true;
	struct group g;
	char *p;

	group_begin(&g, "many pages");
	fd = new_memfd(pages, F_SEAL_SHRINK);
	number_pages(fd, pages, 0);
	buf = udmabuf_of_pages(fd, 1, pages - 1);
	t_err(buf, 0, "all but the first");
	p = map_pages(buf, pages - 1);
	/* the last one first: the fault has to find it */
	good &= number_at(p, pages - 2) == (int)pages - 1;
	for (size_t i = 0; i < pages - 1; i++) {
		wanted[i] = i + 1;
		good &= number_at(p, i) == wanted[i];
	}
	t_ok(good, "each is where it belongs");
	t_ok(shows_parts(buf, wanted, pages - 1), "and any two of them");
	unmap_pages(p, pages - 1);
	close(buf);
	close(fd);
	group_end(&g);
}

static long result(const void *p)
{
	return p == MAP_FAILED ? -1 : 0;
}

static void test_areas(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	const size_t page = page_size();
	int fd, buf, status;
	struct group g;
	char *p, *q;

	group_begin(&g, "mappings");
	fd = new_memfd(PAGES, F_SEAL_SHRINK);
	number_pages(fd, PAGES, 0);
	buf = udmabuf_of_pages(fd, 0, PAGES);
	p = mmap(NULL, page, rw, MAP_PRIVATE, buf, 0);
	t_err(result(p), EINVAL, "private");
	p = mmap(NULL, (PAGES + 1) * page, rw, MAP_SHARED, buf, 0);
	t_err(result(p), EINVAL, "longer than the buffer");
	p = mmap(NULL, page, rw, MAP_SHARED, buf, PAGES * page);
	t_err(result(p), EINVAL, "behind the buffer");

	p = map_pages(buf, PAGES);
	t_ok(number_at(p, 5) == 5, "all of it");
	t_need(!munmap(p + 2 * page, 2 * page), "munmap");
	t_ok(number_at(p, 1) == 1 && number_at(p, 4) == 4 &&
	     number_at(p, 7) == 7, "without two pages in the middle");
	t_err(result(mremap(p, 2 * page, PAGES * page, MREMAP_MAYMOVE)), EFAULT,
	      "it does not grow");
	q = mremap(p + 4 * page, 4 * page, 3 * page, MREMAP_MAYMOVE);
	t_err(result(q), 0, "it shrinks");
	t_ok(number_at(p, 6) == 6, "and shows the same");
	q = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(p + 4 * page, 3 * page, 3 * page,
		   MREMAP_MAYMOVE | MREMAP_FIXED, q);
	t_err(result(q), 0, "it moves");
	t_ok(number_at(q, 0) == 4 && number_at(q, 2) == 6, "and shows the same");
	unmap_pages(q, 3);
	unmap_pages(p, 2);

	/* before any of it was touched, or faults could find a wrong place */
	p = map_pages(buf, PAGES);
	t_need(!munmap(p, 3 * page), "munmap");
	q = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(p + 5 * page, 3 * page, 3 * page,
		   MREMAP_MAYMOVE | MREMAP_FIXED, q);
	t_ok(q != MAP_FAILED && number_at(q, 1) == 6 && number_at(q, 0) == 5 &&
	     number_at(q, 2) == 7, "it moves untouched");
	t_ok(number_at(p, 4) == 4 && number_at(p, 3) == 3, "what stayed is as it was");
	unmap_pages(q, 3);
	unmap_pages(p + 3 * page, 2);

	p = map_pages(buf, PAGES);
	*p = 'p';
	if (!fork()) {
		*(p + page) = *p == 'p' && number_at(p, 7) == 7 ? 'c' : 'x';
		_exit(0);
	}
	t_need(wait(&status) > 0, "wait");
	t_ok(p[page] == 'c', "a child shares it");
	t_err(mprotect(p, page, PROT_READ), 0, "it becomes read-only");
	unmap_pages(p, PAGES);
	close(buf);
	close(fd);
	group_end(&g);
}

/* What may be done to the file while there is a buffer of it */
static void test_file(void)
{
	struct group g;
	int fd, buf;
	char *p;

	group_begin(&g, "the file meanwhile");
	fd = new_memfd(PAGES, F_SEAL_SHRINK);
	number_pages(fd, PAGES, 0);
	buf = udmabuf_of_pages(fd, 0, 4);
	t_err(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY,
	      "it cannot be sealed against writing");
	t_err(ftruncate(fd, page_size()), EPERM, "it cannot be cut short");
	t_err(ftruncate(fd, 2 * PAGES * page_size()), 0, "it can grow");
	t_err(udmabuf_of_pages(fd, 2 * PAGES, 1), EINVAL, "up to there");
	t_err(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			2 * page_size()), 0, "it can lose pages");
	p = map_pages(buf, 4);
	t_ok(number_at(p, 1) == 1 && number_at(p, 2) == 2,
	     "which stay in the buffer");
	unmap_pages(p, 4);
	p = map_pages(fd, 4);
	t_ok(number_at(p, 1) == 0 && number_at(p, 2) == 2,
	     "though not in the file");
	unmap_pages(p, 4);
	close(buf);
	t_err(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0,
	      "without the buffer it can be sealed");
	close(fd);
	group_end(&g);
}

/* A megabyte that is not let go each time would be missed. */
static void test_lifetime(void)
{
	const size_t pages = MEGABYTE / page_size();
	struct group g;

	group_begin(&g, "memory comes back");
	for (int i = 0; i < 2 * LEAK_ROUNDS; i++) {
		struct udmabuf_create_item items[2];
		int fd = new_memfd(pages, F_SEAL_SHRINK), buf;
		char *p;

		items[0] = pages_of(fd, 0, pages);
		items[1] = pages_of(fd, 1, pages - 1);
		buf = udmabuf_of_list(items, 2);
		t_need(buf >= 0, "UDMABUF_CREATE_LIST");
		if (i % 2)
			close(fd);
		p = map_pages(buf, pages);
		p[i * page_size()] = 1;
		close(buf);
		unmap_pages(p, pages);
		if (i % 2 == 0)
			close(fd);
	}
	group_end(&g);
}

/* Huge pages inside, over a border, the same once more, and small ones between */
static void test_huge_parts(int huge)
{
	const size_t per = PER_HUGE_PAGE, count = 9;
	int wanted[7 * 9], small, buf;
	struct udmabuf_create_item items[7];
	char *p;

	small = new_memfd(count, F_SEAL_SHRINK);
	number_pages(small, count, 0);
	items[0] = pages_of(huge, 5, count);
	items[1] = pages_of(huge, 2 * per - 4, count);
	items[2] = pages_of(small, 0, count);
	items[3] = items[2];
	items[4] = items[1];
	items[5] = pages_of(huge, 2 * per + 5, count);
	items[6] = items[2];
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		wanted[i] = items[i / count].offset / page_size() + i % count;
	buf = udmabuf_of_list(items, ARRAY_SIZE(items));
	t_err(buf, 0, "parts of it");
	close(small);
	close(huge);
	p = map_pages(buf, ARRAY_SIZE(wanted));
	t_ok(shows(p, wanted, ARRAY_SIZE(wanted)), "are where they belong");
	t_ok(shows_parts(buf, wanted, ARRAY_SIZE(wanted)), "any two of their pages");
	unmap_pages(p, ARRAY_SIZE(wanted));
	close(buf);
}

static void test_huge(void)
{
	const size_t per = PER_HUGE_PAGE;
	struct group g;
	long free_pages;
	int fd, buf;
	char *p;

	group_begin(&g, "huge pages");
	free_pages = meminfo_kb("HugePages_Free:");
	fd = new_huge_memfd(HUGE_PAGES);
	if (fd < 0) {
		t_skip("no huge pages of 2 MiB to be had");
		group_end(&g);
		return;
	}
	/* nothing of it was touched before it is pinned */
	buf = udmabuf_of_pages(fd, 0, HUGE_PAGES * per);
	t_err(buf, 0, "all of a file");
	number_pages(fd, HUGE_PAGES * per, 0);
	p = map_pages(buf, HUGE_PAGES * per);
	t_ok(number_at(p, 0) == 0 && number_at(p, per) == (int)per &&
	     number_at(p, 3 * per - 1) == 3 * (int)per - 1, "is there");
	unmap_pages(p, HUGE_PAGES * per);
	t_err(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY,
	      "it cannot be sealed against writing");
	close(buf);
	t_err(udmabuf_of_pages(fd, HUGE_PAGES * per, 1), EINVAL, "behind the end");
	buf = udmabuf_of_pages(fd, per, 1);
	test_huge_parts(fd);
	t_ok(meminfo_kb("HugePages_Free:") == free_pages - 1,
	     "a buffer of one page keeps one huge page");
	close(buf);
	t_ok(meminfo_kb("HugePages_Free:") == free_pages, "now all are free");
	group_end(&g);
}

int main(void)
{
	int device;

	t_begin();
	device = udmabuf_open();
	if (device < 0)
		return t_end();
	test_shared();
	test_reserved();
	test_order();
	test_many();
	test_areas();
	test_file();
	test_lifetime();
	want_huge_pages(true);
	test_huge();
	want_huge_pages(false);
	close(device);
	return t_end();
}
