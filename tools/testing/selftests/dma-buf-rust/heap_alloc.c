// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/dma_heap/NAME: opening it, what can be asked for, and what comes back.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "common.h"

static const struct dma_heap_allocation_data good = { .len = 4096, .fd_flags = O_RDWR | O_CLOEXEC };

static long raw(int heap, unsigned long cmd, void *arg)
{
	return ioctl(heap, cmd, arg);
}

static void test_open(const char *name)
{
	static const struct {
		int flags;
		const char *text;
		int err;
	} modes[] = {
		{ O_RDONLY, "O_RDONLY", 0 },
		{ O_WRONLY, "O_WRONLY", 0 },
		{ O_RDWR, "O_RDWR", 0 },
		{ O_RDONLY | O_NONBLOCK, "O_NONBLOCK", 0 },
		{ O_PATH, "O_PATH", EBADF },
	};
	char path[128], byte = 0;
	struct group g;
	int fd;

	group_begin(&g, "opening a heap");
	snprintf(path, sizeof(path), "/dev/dma_heap/%.63s", name);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct dma_heap_allocation_data data = good;

		fd = open(path, modes[i].flags | O_CLOEXEC);
		t_err(fd, 0, "%s: open %s", name, modes[i].text);
		t_err(raw(fd, DMA_HEAP_IOCTL_ALLOC, &data), modes[i].err,
		      "%s: allocate through %s", name, modes[i].text);
		if (!modes[i].err)
			close(data.fd);
		close(fd);
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	t_err(read(fd, &byte, 1), EINVAL, "%s: read", name);
	t_err(write(fd, &byte, 1), EINVAL, "%s: write", name);
	t_err(lseek(fd, 0, SEEK_END), ESPIPE, "%s: lseek", name);
	t_err(mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0) ==
	      MAP_FAILED ? -1 : 0, ENODEV, "%s: mmap", name);
	close(fd);
	t_err(raw(fd, DMA_HEAP_IOCTL_ALLOC, &fd), EBADF, "%s: closed fd", name);
	group_end(&g);
}

static unsigned int heap_major(void)
{
	struct stat st;

	t_need(!stat("/dev/dma_heap/system", &st), "stat the system heap");
	return major(st.st_rdev);
}

/* Device numbers that belong to the heaps, or just do not any more. */
static void test_minors(void)
{
	static const unsigned int minors[] = { 127, 128, 1000 };
	char path[] = "/dev/dma_heap_test_node";
	struct group g;

	group_begin(&g, "minors without a heap");
	for (size_t i = 0; i < ARRAY_SIZE(minors); i++) {
		/* It takes every minor that the heaps have. */
		if (minors[i] < 128 && !access("/sys/module/heap_limit", F_OK)) {
			t_skip("minor %u: heap_limit ran before", minors[i]);
			continue;
		}
		unlink(path);
		t_need(!mknod(path, S_IFCHR | 0600,
			      makedev(heap_major(), minors[i])), "mknod");
		t_err(open(path, O_RDONLY | O_CLOEXEC), ENXIO, "open minor %u",
		      minors[i]);
	}
	unlink(path);
	group_end(&g);
}

static bool refused(int heap, struct dma_heap_allocation_data *data)
{
	return raw(heap, DMA_HEAP_IOCTL_ALLOC, data) < 0 && errno == EINVAL;
}

static void test_fields(const char *name)
{
	int heap, bad = 0;
	struct group g;
	struct dma_heap_allocation_data data;

	group_begin(&g, "fields of the allocation");
	heap = open_heap(name);
	for (int i = 0; i < 32; i += 31) {
		data = good;
		data.fd = 1U << i;
		t_err(raw(heap, DMA_HEAP_IOCTL_ALLOC, &data), EINVAL,
		      "%s: fd 0x%x", name, 1U << i);
	}
	for (int i = 0; i < 32; i++) {
		data = good;
		data.fd_flags |= 1U << i;
		if (!((1U << i) & (O_CLOEXEC | O_ACCMODE)) &&
		    !refused(heap, &data))
			bad++;
	}
	t_ok(!bad, "%s: each fd_flags that is not allowed: %s", name,
	     strerror(EINVAL));
	bad = 0;
	for (int i = 0; i < 64; i++) {
		data = good;
		data.heap_flags = 1ULL << i;
		if (!refused(heap, &data))
			bad++;
	}
	t_ok(!bad, "%s: each of 64 heap_flags: %s", name, strerror(EINVAL));
	/* A refused request must come back as it was. */
	t_ok(data.len == good.len && !data.fd &&
	     data.fd_flags == good.fd_flags && data.heap_flags == 1ULL << 63,
	     "%s: a refused request is not written back", name);
	close(heap);
	group_end(&g);
}

static void test_fd_flags(const char *name)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE };
	int heap;
	struct group g;

	group_begin(&g, "flags of the new fd");
	heap = open_heap(name);
	for (int i = 0; i < 8; i++) {
		int cloexec = i & 4 ? O_CLOEXEC : 0, mode = modes[i & 3];
		struct dma_heap_allocation_data data = { .len = 1, .fd_flags = mode | cloexec };

		t_err(raw(heap, DMA_HEAP_IOCTL_ALLOC, &data), 0,
		      "%s: fd_flags 0x%x", name, data.fd_flags);
		t_ok((fcntl(data.fd, F_GETFL) & O_ACCMODE) == mode,
		     "%s: access mode %d arrives", name, mode);
		t_ok(!!(fcntl(data.fd, F_GETFD) & FD_CLOEXEC) == !!cloexec,
		     "%s: close-on-exec %s", name, cloexec ? "set" : "clear");
		close(data.fd);
	}
	close(heap);
	group_end(&g);
}

static void test_lengths(const char *name)
{
	const __u64 page = page_size();
	const struct {
		__u64 len;
		__u64 size;
	} lengths[] = {
		{ 1, page }, { page - 1, page }, { page, page },
		{ page + 1, 2 * page }, { 16 * page, 16 * page },
		{ MEGABYTE, MEGABYTE }, { MEGABYTE + 1, MEGABYTE + page },
		{ 0, 0 }, { ~0ULL, 0 }, { ~0ULL - page + 2, 0 },
	};
	int heap;
	struct group g;

	group_begin(&g, "lengths");
	heap = open_heap(name);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct dma_heap_allocation_data data = good;
		long ret;

		data.len = lengths[i].len;
		ret = raw(heap, DMA_HEAP_IOCTL_ALLOC, &data);
		t_err(ret, lengths[i].size ? 0 : EINVAL, "%s: len 0x%llx",
		      name, lengths[i].len);
		if (ret)
			continue;
		t_ok(lseek(data.fd, 0, SEEK_END) == (off_t)lengths[i].size,
		     "%s: len 0x%llx gives 0x%llx bytes", name, lengths[i].len,
		     lengths[i].size);
		t_ok(data.len == lengths[i].len, "%s: len is not changed", name);
		close(data.fd);
	}
	close(heap);
	group_end(&g);
}

/*
 * More than a CMA region has. On 32 bits what a size_t does not hold is refused.
 * The C core cuts it instead, and gives a buffer if what is left is small enough.
 */
static void test_absurd_cma(const char *name)
{
	const __u64 page = page_size();
	const __u64 lengths[] = {
		meminfo_kb("CmaTotal:") * 1024ULL + page,
		meminfo_kb("MemTotal:") * 2048ULL,
		has_64_bits() ? 1ULL << 63 : 1ULL << 31,
		has_64_bits() ? -2 * page : (1ULL << 32) - 2 * page,
		has_64_bits() ? -page : (1ULL << 32) - page,
	};
	int heap;
	struct group g;

	group_begin(&g, "absurd lengths, contiguous");
	heap = open_heap(name);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		__u64 len = lengths[i] & ~(page - 1);

		t_err(alloc_fd(heap, len), !has_64_bits() && len >> 32 ? EINVAL : ENOMEM,
		      "%s: len 0x%llx", name, len);
	}
	if (!has_64_bits())
		t_err(alloc_fd(heap, (1ULL << 32) + page), EINVAL,
		      "%s: a page more than 32 bits hold", name);
	close(heap);
	group_end(&g);
}

/*
 * Twice the machine's memory from the system heap: the allocation must end in
 * an error or with the death of the one who asked, and everything comes back.
 */
static void test_absurd_system(void)
{
	const __u64 page = page_size();
	__u64 len = meminfo_kb("MemTotal:") * 2048ULL & ~(page - 1);
	int status = 0;
	struct group g;
	pid_t child;

	if (!has_64_bits() && len >> 32)
		len = 0xf0000000;
	group_begin(&g, "more than the machine has");
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		int heap = open_heap("system");

		/* Whoever must die for this, it should be this process. */
		write_file("/proc/self/oom_score_adj", "1000");
		alarm(1400);
		_exit(alloc_fd(heap, len) < 0 && errno == ENOMEM ? 0 : 1);
	}
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_ok((WIFEXITED(status) && !WEXITSTATUS(status)) ||
	     (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
	     "system: len 0x%llx: ENOMEM, or killed for it", len);
	group_end(&g);
}

static void test_no_fd(const char *name)
{
	int heap, failed = 0;
	struct dma_heap_allocation_data data = { .len = MEGABYTE, .fd_flags = O_RDWR };
	struct group g;

	group_begin(&g, "no file descriptor left");
	heap = open_heap(name);
	fd_table_full(true);
	for (int i = 0; i < LEAK_ROUNDS; i++)
		failed += raw(heap, DMA_HEAP_IOCTL_ALLOC, &data) == -1 &&
			  errno == EMFILE;
	fd_table_full(false);
	t_ok(failed == LEAK_ROUNDS, "%s: full fd table, %d times: %s", name,
	     LEAK_ROUNDS, strerror(EMFILE));
	t_ok(!data.fd, "%s: no fd is told", name);
	close(heap);
	group_end(&g);
}

/* A switch that is set on the kernel's command line and only read here. */
static void test_parameter(void)
{
	static const char path[] = "/sys/module/dma_heap/parameters/mem_accounting";
	char text[16] = "";
	struct stat st;

	t_ok(!stat(path, &st) && (st.st_mode & 0777) == 0444,
	     "mem_accounting can only be read");
	t_ok(read_file(path, text, sizeof(text)) &&
	     (!strcmp(text, "N\n") || !strcmp(text, "Y\n")),
	     "mem_accounting is N or Y");
}

/* What a buffer held before must not be seen in the next. */
static void test_zeroed(const char *name)
{
	int heap, dirty = 0, failed = 0;
	struct group g;

	group_begin(&g, "fresh buffers are zero");
	heap = open_heap(name);
	for (int i = 0; i < LEAK_ROUNDS; i++) {
		int fd = alloc_fd(heap, MEGABYTE);
		void *p = mmap(NULL, MEGABYTE, PROT_READ | PROT_WRITE,
			       MAP_SHARED, fd, 0);

		if (fd < 0 || p == MAP_FAILED) {
			failed++;
			continue;
		}
		dirty += !all_zero(p, MEGABYTE);
		memset(p, 0x5a, MEGABYTE);
		munmap(p, MEGABYTE);
		close(fd);
	}
	t_ok(!failed && !dirty, "%s: %d buffers of 1 MiB, all zero", name,
	     LEAK_ROUNDS);
	close(heap);
	group_end(&g);
}

static void test_many(const char *name)
{
	int heap, before, n = 0;
	int fds[200];
	struct group g;

	group_begin(&g, "many buffers at once");
	heap = open_heap(name);
	before = count_objects();
	while (n < 200 && (fds[n] = alloc_fd(heap, page_size())) >= 0)
		n++;
	t_ok(n == 200, "%s: 200 buffers", name);
	t_ok(count_objects() == before + n, "%s: bufinfo lists them", name);
	while (n)
		close(fds[--n]);
	close(heap);
	group_end(&g);
}

static void test_reuse(const char *name)
{
	int heap, fd, other;
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW };
	struct group g;

	group_begin(&g, "closed fds");
	heap = open_heap(name);
	fd = alloc_fd(heap, page_size());
	close(fd);
	t_err(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync), EBADF, "%s: closed buffer",
	      name);
	other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	t_ok(other == fd, "%s: the number is free again", name);
	t_err(ioctl(other, DMA_BUF_IOCTL_SYNC, &sync), ENOTTY,
	      "%s: another file under the number", name);
	close(other);
	close(heap);
	group_end(&g);
}

int main(void)
{
	char heaps[MAX_HEAPS][64];
	int n;

	t_begin();
	n = list_heaps(heaps);
	t_ok(n > 0, "there are %d heaps", n);
	test_minors();
	test_parameter();
	for (int i = 0; i < n; i++) {
		test_open(heaps[i]);
		test_fields(heaps[i]);
		test_fd_flags(heaps[i]);
		test_lengths(heaps[i]);
		test_no_fd(heaps[i]);
		test_zeroed(heaps[i]);
		test_many(heaps[i]);
		test_reuse(heaps[i]);
		if (strcmp(heaps[i], "system"))
			test_absurd_cma(heaps[i]);
	}
	test_absurd_system();
	return t_end();
}
