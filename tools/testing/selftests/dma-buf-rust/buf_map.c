// SPDX-License-Identifier: GPL-2.0
/*
 * mmap of dma-bufs: bounds, protections, lifetimes.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/dma-heap.h>

#include "common.h"

#define PAGES	6

static long result(void *p)
{
	return p == MAP_FAILED ? -1 : 0;
}

static void *map(int fd, size_t len, int prot, off_t offset)
{
	return mmap(NULL, len, prot, MAP_SHARED, fd, offset);
}

/* Expects err (0: success) and undoes a success. */
static void try_map(const char *what, int fd, size_t len, int prot, int flags,
		    off_t offset, int err)
{
	void *p = mmap(NULL, len, prot, flags, fd, offset);

	t_err(result(p), err, "%s", what);
	if (p != MAP_FAILED)
		munmap(p, len);
}

static int heap_buffer(const char *name, size_t len, int flags)
{
	struct dma_heap_allocation_data data = {
		.len = len,
		.fd_flags = flags | O_CLOEXEC,
	};
	int heap = open_heap(name);

	t_need(!ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "allocate");
	close(heap);
	return data.fd;
}

static void test_bounds(const char *name)
{
	const size_t page = page_size(), size = PAGES * page;
	const int rw = PROT_READ | PROT_WRITE, shared = MAP_SHARED;
	struct group g;
	int buf;

	group_begin(&g, "bounds of a mapping");
	t_note("heap %s", name);
	buf = heap_buffer(name, size, O_RDWR);
	try_map("whole", buf, size, rw, shared, 0, 0);
	try_map("first page", buf, page, rw, shared, 0, 0);
	try_map("last page", buf, page, rw, shared, size - page, 0);
	try_map("from the middle", buf, 2 * page, rw, shared, 2 * page, 0);
	try_map("1 byte", buf, 1, rw, shared, 0, 0);
	try_map("1 byte of the last page", buf, 1, rw, shared, size - page, 0);
	try_map("length 0", buf, 0, rw, shared, 0, EINVAL);
	try_map("1 byte too long", buf, size + 1, rw, shared, 0, EINVAL);
	try_map("1 page too long", buf, size + page, rw, shared, 0, EINVAL);
	try_map("last page and 1 byte", buf, page + 1, rw, shared, size - page,
		EINVAL);
	try_map("offset at the end", buf, page, rw, shared, size, EINVAL);
	try_map("offset far behind the end", buf, page, rw, shared,
		1000 * size, EINVAL);
	try_map("whole, from the second page", buf, size, rw, shared, page,
		EINVAL);
	try_map("offset 1", buf, page, rw, shared, 1, EINVAL);
	/* Only half of what can be addressed: not refused for its length. */
	try_map("far too long", buf, sizeof(long) == 8 ? 1UL << 40 : 1UL << 29,
		rw, shared, 0, EINVAL);
	try_map("length overflows", buf, -page, rw, shared, 0, ENOMEM);
	close(buf);
	group_end(&g);
}

/* Offsets in pages, as far as the system call can carry them. */
static void test_overflow(const char *name)
{
	const size_t page = page_size();
	struct group g;
	int buf;

	group_begin(&g, "offsets that overflow");
	buf = heap_buffer(name, PAGES * page, O_RDWR);
#ifdef SYS_mmap2
	/* Page offsets: too large to count with 32 bits, not with 64. */
	const unsigned long top[] = { ~0UL, ~0UL - 1, ~0UL / 2 };

	for (size_t i = 0; i < ARRAY_SIZE(top); i++) {
		long ret = syscall(SYS_mmap2, NULL, 4 * page, PROT_READ,
				   MAP_SHARED, buf, top[i]);

		t_ok(ret == -1 && (errno == EOVERFLOW || errno == EINVAL),
		     "4 pages from page 0x%lx are refused", top[i]);
	}
#else
	const unsigned long top = -page;

	t_err(result(map(buf, page, PROT_READ, top)), EOVERFLOW,
	      "last offset, 1 page");
	t_err(result(map(buf, 4 * page, PROT_READ, top - page)), EOVERFLOW,
	      "last offset but one, 4 pages");
	t_err(result(map(buf, page, PROT_READ, 1UL << 62)), EINVAL,
	      "offset 2^62");
	t_err(result(map(buf, page, PROT_READ, 1UL << 63)), EINVAL,
	      "offset 2^63");
#endif
	close(buf);
	group_end(&g);
}

static void test_protection(const char *name)
{
	const size_t size = PAGES * page_size();
	const int rw = PROT_READ | PROT_WRITE;
	int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	struct group g;
	void *p;
	int buf;

	group_begin(&g, "protection of a mapping");
	for (int i = 0; i < 3; i++) {
		int mode = modes[i];

		buf = heap_buffer(name, size, mode);
		t_note("heap %s, fd opened %s", name, mode == O_RDONLY ?
		       "O_RDONLY" : mode == O_WRONLY ? "O_WRONLY" : "O_RDWR");
		try_map("PROT_READ", buf, size, PROT_READ, MAP_SHARED, 0,
			mode == O_WRONLY ? EACCES : 0);
		try_map("PROT_WRITE", buf, size, PROT_WRITE, MAP_SHARED, 0,
			mode == O_RDWR ? 0 : EACCES);
		try_map("both", buf, size, rw, MAP_SHARED, 0,
			mode == O_RDWR ? 0 : EACCES);
		try_map("PROT_NONE", buf, size, PROT_NONE, MAP_SHARED, 0,
			mode == O_WRONLY ? EACCES : 0);
		close(buf);
	}
	buf = heap_buffer(name, size, O_RDONLY);
	p = map(buf, size, PROT_READ, 0);
	t_err(mprotect(p, size, rw), EACCES,
	      "read-only fd: mprotect to writable");
	munmap(p, size);
	close(buf);
	group_end(&g);
}

/*
 * A private mapping would be a copy of memory that a device owns. The CMA heap
 * refuses all; the system heap leaves it to the memory management, which takes
 * some: nothing to rely on, but it must not leak.
 */
static void test_private(const char *name)
{
	const size_t size = PAGES * page_size();
	struct group g;
	void *p;
	int buf;

	group_begin(&g, "private mappings");
	buf = heap_buffer(name, size, O_RDWR);
	if (strcmp(name, "system")) {
		try_map("private", buf, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE, 0, EINVAL);
		try_map("private, read-only", buf, size, PROT_READ,
			MAP_PRIVATE, 0, EINVAL);
	} else {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, buf, 0);
		t_note("private mapping of the system heap: %s",
		       p == MAP_FAILED ? strerror(errno) : "works");
		if (p != MAP_FAILED) {
			memset(p, 1, page_size());
			munmap(p, size);
		}
	}
	close(buf);
	group_end(&g);
}

static void test_contents(const char *name)
{
	const size_t page = page_size(), size = PAGES * page;
	struct group g;
	char *a, *b, *c;
	bool same = true;
	int buf;

	group_begin(&g, "what a mapping shows");
	buf = heap_buffer(name, size, O_RDWR);
	a = map(buf, size, PROT_READ | PROT_WRITE, 0);
	b = map(buf, size, PROT_READ, 0);
	c = map(buf, 2 * page, PROT_READ, 3 * page);
	t_need(result(a) == 0 && result(b) == 0 && result(c) == 0, "mmap");
	for (size_t i = 0; i < size; i++)
		a[i] = i * 7 + i / page;
	for (size_t i = 0; i < size; i++)
		same &= b[i] == a[i];
	for (size_t i = 0; i < 2 * page; i++)
		same &= c[i] == a[3 * page + i];
	t_ok(same, "%s: three mappings show the same memory", name);

	t_err(munmap(b + page, 2 * page), 0, "%s: a hole in a mapping", name);
	t_ok(b[0] == a[0] && b[3 * page] == a[3 * page],
	     "%s: what is left shows the same", name);
	t_err(mprotect(a, page, PROT_READ), 0, "%s: part made read-only", name);
	a[page] ^= 1;
	t_ok(b[5 * page] == a[5 * page] && a[0] == b[0],
	     "%s: a split mapping shows the same", name);
	t_err(result(mremap(c, 2 * page, 4 * page, MREMAP_MAYMOVE)), EFAULT,
	      "%s: a mapping cannot grow", name);
	c = mremap(c, 2 * page, page, 0);
	t_ok(c != MAP_FAILED && c[0] == a[3 * page],
	     "%s: a mapping can shrink", name);
	munmap(c, page);
	munmap(b, size);
	munmap(a, size);
	close(buf);
	group_end(&g);
}

/* A mapping keeps the buffer; the child of a fork shares it. */
static void test_lifetime(const char *name)
{
	const size_t size = PAGES * page_size();
	int buf, before, status;
	struct group g;
	char *p;
	pid_t child;

	group_begin(&g, "life of a mapping");
	before = count_objects();
	buf = heap_buffer(name, size, O_RDWR);
	p = map(buf, size, PROT_READ | PROT_WRITE, 0);
	t_need(result(p) == 0, "mmap");
	close(buf);
	t_ok(count_objects() == before + 1, "%s: kept by its mapping", name);
	p[size - 1] = 42;
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		p[0] = p[size - 1] + 1;
		_exit(0);
	}
	waitpid(child, &status, 0);
	t_ok(p[0] == 43, "%s: a child writes into the same buffer", name);
	munmap(p, size / 2);
	t_ok(count_objects() == before + 1, "%s: kept by half of it", name);
	munmap(p, size);
	t_ok(count_objects() == before, "%s: gone with its last page", name);

	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		buf = heap_buffer(name, size, O_RDWR);
		p = map(buf, size, PROT_READ | PROT_WRITE, 0);
		*p = 1;
		kill(getpid(), SIGKILL);
	}
	waitpid(child, &status, 0);
	t_ok(WIFSIGNALED(status), "%s: killed with a mapping", name);
	group_end(&g);
}

static long minor_faults(void)
{
	struct rusage usage;

	t_need(!getrusage(RUSAGE_SELF, &usage), "getrusage");
	return usage.ru_minflt;
}

/* Whether the kernel can write there for this process */
static int write_by_kernel(void *p)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int ret = read(zero, p, 1) == 1 ? 0 : -errno;

	close(zero);
	errno = -ret;
	return ret ? -1 : 0;
}

/*
 * What is mapped is ready to be written to, also where processors do not mark pages themselves: the
 * system heap's at once, others when they are touched for the first time.
 */
static void test_first_write(const char *name)
{
	const int rw = PROT_READ | PROT_WRITE;
	const size_t page = page_size();
	/* And a few of what else there is */
	long faults, most = 16 + (strcmp(name, "system") ? MEGABYTE / page : 0);
	struct group g;
	char *p, *q;
	int buf;

	group_begin(&g, "the first write");
	buf = heap_buffer(name, MEGABYTE, O_RDWR);
	p = map(buf, MEGABYTE, rw, 0);
	q = map(buf, MEGABYTE, PROT_READ, 0);
	t_need(result(p) == 0 && result(q) == 0, "mmap");
	faults = minor_faults();
	for (size_t at = 0; at < MEGABYTE; at += page)
		p[at] = 1;
	faults = minor_faults() - faults;
	t_note("%s: %ld faults in 1 MiB", name, faults);
	t_ok(!is_rust_core() || faults < most,
	     "%s: no fault to mark a page that is written to", name);
	t_err(write_by_kernel(q), EFAULT, "%s: no write to what is mapped for reading", name);
	t_err(mprotect(p, MEGABYTE, PROT_READ), 0, "%s: made read-only", name);
	t_err(write_by_kernel(p), EFAULT, "%s: no write to what was written to before", name);
	t_err(mprotect(p, MEGABYTE, rw), 0, "%s: made writable again", name);
	t_err(write_by_kernel(p), 0, "%s: written to again", name);
	t_ok(!q[0] && q[page] == 1, "%s: what was written is there", name);
	munmap(q, MEGABYTE);
	munmap(p, MEGABYTE);
	close(buf);
	group_end(&g);
}

/* Mapped and unmapped often, nothing may pile up. */
static void test_often(const char *name)
{
	int failed = 0;
	struct group g;

	group_begin(&g, "mapping again and again");
	for (int i = 0; i < LEAK_ROUNDS; i++) {
		int buf = heap_buffer(name, MEGABYTE, O_RDWR);
		char *p = map(buf, MEGABYTE, PROT_READ | PROT_WRITE, 0);

		if (p == MAP_FAILED) {
			failed++;
		} else {
			memset(p, i, MEGABYTE);
			munmap(p, MEGABYTE);
		}
		failed += map(buf, 2 * MEGABYTE, PROT_READ, 0) != MAP_FAILED;
		close(buf);
	}
	t_ok(!failed, "%s: %d rounds", name, LEAK_ROUNDS);
	group_end(&g);
}

int main(void)
{
	char heaps[MAX_HEAPS][64];
	int n;

	t_begin();
	n = list_heaps(heaps);
	t_ok(n > 0, "there are %d heaps", n);
	for (int i = 0; i < n; i++) {
		test_bounds(heaps[i]);
		test_overflow(heaps[i]);
		test_protection(heaps[i]);
		test_private(heaps[i]);
		test_contents(heaps[i]);
		test_first_write(heaps[i]);
		test_lifetime(heaps[i]);
		test_often(heaps[i]);
	}
	return t_end();
}
