// SPDX-License-Identifier: GPL-2.0
/*
 * The file of a dma-buf: what it is, and every way to get its ioctls wrong.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/magic.h>
#include <linux/sync_file.h>

#include "common.h"

static void test_lseek(void)
{
	static const struct {
		off_t offset;
		int whence;
		const char *text;
		int err;
	} seeks[] = {
		{ 0, SEEK_END, "SEEK_END 0", 0 },
		{ 0, SEEK_SET, "SEEK_SET 0", 0 },
		{ 0, SEEK_CUR, "SEEK_CUR 0", EINVAL },
		{ 1, SEEK_SET, "SEEK_SET 1", EINVAL },
		{ -1, SEEK_SET, "SEEK_SET -1", EINVAL },
		{ 1, SEEK_END, "SEEK_END 1", EINVAL },
		{ -1, SEEK_END, "SEEK_END -1", EINVAL },
		{ INT64_MAX, SEEK_END, "SEEK_END 2^63-1", EINVAL },
		{ INT64_MIN, SEEK_SET, "SEEK_SET -2^63", EINVAL },
		{ 0, SEEK_DATA, "SEEK_DATA 0", EINVAL },
		{ 0, SEEK_HOLE, "SEEK_HOLE 0", EINVAL },
		{ 0, 99, "whence 99", EINVAL },
	};
	struct group g;
	int buf;

	group_begin(&g, "lseek");
	buf = new_buffer(3 * page_size());
	for (size_t i = 0; i < ARRAY_SIZE(seeks); i++)
		t_err(lseek(buf, seeks[i].offset, seeks[i].whence) < 0 ? -1 : 0,
		      seeks[i].err, "lseek %s", seeks[i].text);
	t_ok(lseek(buf, 0, SEEK_END) == (off_t)(3 * page_size()),
	     "SEEK_END finds the size");
	t_ok(lseek(buf, 0, SEEK_SET) == 0, "SEEK_SET finds the beginning");
	close(buf);
	group_end(&g);
}

static void test_file(void)
{
	char byte = 0, path[64], target[64] = "";
	struct statfs fs;
	struct group g;
	struct stat st;
	int buf, null, fd;

	group_begin(&g, "not a file to read or write");
	buf = new_buffer(page_size());
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	t_err(read(buf, &byte, 1), EINVAL, "read");
	t_err(write(buf, &byte, 1), EINVAL, "write");
	t_err(pread(buf, &byte, 1, 0), ESPIPE, "pread");
	t_err(pwrite(buf, &byte, 1, 0), ESPIPE, "pwrite");
	t_err(ftruncate(buf, 0), EINVAL, "ftruncate");
	t_err(fallocate(buf, 0, 0, 1), ENODEV, "fallocate");
	t_err(fsync(buf), EINVAL, "fsync");
	t_err(sendfile(null, buf, NULL, 1), EINVAL, "sendfile");
	t_err(fcntl(buf, F_GET_SEALS), EINVAL, "seals");

	t_ok(!fstat(buf, &st) && st.st_size == (off_t)page_size(),
	     "fstat knows the size");
	t_ok(!fstatfs(buf, &fs) && fs.f_type == DMA_BUF_MAGIC,
	     "fstatfs knows the file system");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", buf);
	t_ok(readlink(path, target, sizeof(target) - 1) > 0 &&
	     !strcmp(target, "/dmabuf:"), "the link says /dmabuf:");
	fd = open(path, O_RDWR | O_CLOEXEC);
	t_err(fd, ENXIO, "open through /proc/self/fd");
	close(null);
	close(buf);

	/* The access mode of the fd counts, as for any file. */
	fd = open_heap("system");
	buf = alloc_fd(fd, page_size());
	close(fd);
	t_ok(fcntl(buf, F_SETFL, O_NONBLOCK) == 0 &&
	     fcntl(buf, F_GETFL) & O_NONBLOCK, "O_NONBLOCK can be set");
	close(buf);
	group_end(&g);
}

static int dma_sync(int buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync);
}

static void test_sync(void)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_RW };
	int buf, bad = 0;
	struct group g;
	void *p;

	group_begin(&g, "DMA_BUF_IOCTL_SYNC");
	buf = new_buffer(MEGABYTE);
	for (unsigned int flags = 0; flags < 8; flags++)
		t_err(dma_sync(buf, flags), flags & DMA_BUF_SYNC_RW ? 0 : EINVAL,
		      "flags %u", flags);
	for (int bit = 3; bit < 64; bit++)
		bad += dma_sync(buf, DMA_BUF_SYNC_READ | 1ULL << bit) == 0 ||
		       errno != EINVAL;
	t_ok(!bad, "each of the other 61 flags: %s", strerror(EINVAL));
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, NULL), EFAULT, "NULL");
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, ptr_unmapped()), EFAULT,
	      "unmapped");
	for (size_t inside = 1; inside < 8; inside += 3) {
		p = ptr_straddle(&sync, sizeof(sync), inside);
		t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, p), EFAULT,
		      "only %zu bytes can be read", inside);
		ptr_free(p);
	}
	p = ptr_readonly(&sync, sizeof(sync));
	t_err(ioctl(buf, DMA_BUF_IOCTL_SYNC, p), 0, "read-only argument");
	ptr_free(p);
	close(buf);
	group_end(&g);
}

/* Unlike those of a heap, these ioctls are one number each. */
static void test_numbers(void)
{
	const struct {
		unsigned long cmd;
		const char *text;
	} wrong[] = {
		{ _IOC(_IOC_WRITE, 'b', 0, 4), "SYNC, size 4" },
		{ _IOC(_IOC_WRITE, 'b', 0, 7), "SYNC, size 7" },
		{ _IOC(_IOC_WRITE, 'b', 0, 16), "SYNC, size 16" },
		{ _IOC(_IOC_WRITE, 'b', 0, 16383), "SYNC, size 16383" },
		{ _IOC(_IOC_READ, 'b', 0, 8), "SYNC, read" },
		{ _IOC(_IOC_NONE, 'b', 0, 8), "SYNC, no direction" },
		{ _IOC(_IOC_READ | _IOC_WRITE, 'b', 0, 8), "SYNC, both ways" },
		{ _IOC(_IOC_WRITE, 'c', 0, 8), "SYNC, type c" },
		{ _IOC(_IOC_WRITE, 'b', 1, 0), "SET_NAME, size 0" },
		{ _IOC(_IOC_WRITE, 'b', 1, 1), "SET_NAME, size 1" },
		{ _IOC(_IOC_WRITE, 'b', 1, 5), "SET_NAME, size 5" },
		{ _IOC(_IOC_WRITE, 'b', 1, 32), "SET_NAME, size 32" },
		{ _IOC(_IOC_READ, 'b', 1, 4), "SET_NAME_A, read" },
		{ _IOC(_IOC_READ, 'b', 1, 8), "SET_NAME_B, read" },
		{ _IOC(_IOC_READ | _IOC_WRITE, 'b', 2, 4), "EXPORT, size 4" },
		{ _IOC(_IOC_READ | _IOC_WRITE, 'b', 2, 16), "EXPORT, size 16" },
		{ _IOC(_IOC_WRITE, 'b', 2, 8), "EXPORT, write" },
		{ _IOC(_IOC_WRITE, 'b', 3, 4), "IMPORT, size 4" },
		{ _IOC(_IOC_WRITE, 'b', 3, 16), "IMPORT, size 16" },
		{ _IOC(_IOC_READ | _IOC_WRITE, 'b', 3, 8), "IMPORT, both ways" },
		{ _IOC(_IOC_WRITE, 'b', 4, 8), "nr 4" },
		{ _IOC(_IOC_WRITE, 'b', 255, 8), "nr 255" },
		{ DMA_HEAP_IOCTL_ALLOC, "DMA_HEAP_IOCTL_ALLOC" },
		{ SYNC_IOC_MERGE, "SYNC_IOC_MERGE" },
		{ SYNC_IOC_FILE_INFO, "SYNC_IOC_FILE_INFO" },
		{ 0x5401, "TCGETS" },
	};
	char arg[16384] = "";
	struct group g;
	int buf;

	group_begin(&g, "numbers of the ioctls");
	buf = new_buffer(page_size());
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		t_err(ioctl(buf, wrong[i].cmd, arg), ENOTTY, "%s",
		      wrong[i].text);
	close(buf);
	group_end(&g);
}

static bool name_is(int buf, const char *name)
{
	char path[64], link[128] = "", want[128];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", buf);
	snprintf(want, sizeof(want), "/dmabuf:%s", name);
	return readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, want);
}

static void test_names(void)
{
	static const char * const names[] = {
		"a", "", "with a space", "tab\there", "%s%n%d", "back\\slash",
		"a/b/../c", "\xc3\xa4\xe2\x82\xac", "\xff\xfe", "line\nbreak",
	};
	static const char longest[] = "0123456789012345678901234567890";
	const struct {
		unsigned long cmd;
		const char *text;
	} cmds[] = {
		{ DMA_BUF_SET_NAME_A, "SET_NAME_A" },
		{ DMA_BUF_SET_NAME_B, "SET_NAME_B" },
		{ DMA_BUF_SET_NAME, "SET_NAME" },
	};
	char name[64];
	struct group g;
	long slab;
	void *p;
	int buf;

	group_begin(&g, "DMA_BUF_SET_NAME");
	buf = new_buffer(page_size());
	for (size_t c = 0; c < ARRAY_SIZE(cmds); c++) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			int ret = ioctl(buf, cmds[c].cmd, names[i]);

			t_ok(!ret && name_is(buf, names[i]),
			     "%s, name %zu arrives", cmds[c].text, i);
		}
		t_err(ioctl(buf, cmds[c].cmd, longest), 0, "%s, 31 characters",
		      cmds[c].text);
		t_ok(name_is(buf, longest), "all 31 are kept");
		for (int len = 32; len < 64; len += 31) {
			memset(name, 'x', sizeof(name));
			name[len] = '\0';
			t_err(ioctl(buf, cmds[c].cmd, name), EINVAL,
			      "%s, %d characters", cmds[c].text, len);
		}
		memset(name, 'x', sizeof(name));
		name[33] = '\0';
		t_err(ioctl(buf, cmds[c].cmd, name), EINVAL,
		      "%s, 33 characters", cmds[c].text);
		t_ok(name_is(buf, longest), "a refused name changes nothing");
		t_err(ioctl(buf, cmds[c].cmd, NULL), EFAULT, "%s, NULL",
		      cmds[c].text);
		t_err(ioctl(buf, cmds[c].cmd, ptr_unmapped()), EFAULT,
		      "%s, unmapped", cmds[c].text);
		p = ptr_straddle("abcdefgh", 8, 8);
		t_err(ioctl(buf, cmds[c].cmd, p), EFAULT,
		      "%s, no end before the end of the page", cmds[c].text);
		ptr_free(p);
		p = ptr_straddle("abcdefg", 8, 8);
		t_err(ioctl(buf, cmds[c].cmd, p), 0,
		      "%s, ends with the page", cmds[c].text);
		ptr_free(p);
		memset(name, 'y', sizeof(name));
		p = ptr_straddle(name, 32, 32);
		t_err(ioctl(buf, cmds[c].cmd, p), EINVAL,
		      "%s, 32 characters at the end of the page", cmds[c].text);
		ptr_free(p);
	}
	/* names that stayed would take 3 MiB and more */
	slab = slab_kb();
	for (int i = 0; i < 100000; i++)
		ioctl(buf, DMA_BUF_SET_NAME, longest);
	slab = slab_kb() - slab;
	t_ok(slab < 1024, "100000 names leave nothing in the slab caches");
	if (slab >= 1024)
		t_note("%ld KiB more", slab);
	close(buf);
	group_end(&g);
}

static void test_export(void)
{
	struct dma_buf_export_sync_file arg = { .flags = DMA_BUF_SYNC_RW };
	static const size_t inside[] = { 1, 4, 7 };
	int buf, fd, failed = 0, bad = 0;
	struct group g;
	void *p;

	group_begin(&g, "DMA_BUF_IOCTL_EXPORT_SYNC_FILE");
	buf = new_buffer(page_size());
	t_err(export_fence(buf, 0), EINVAL, "flags 0");
	for (int bit = 2; bit < 32; bit++)
		bad += export_fence(buf, DMA_BUF_SYNC_READ | 1U << bit) >= 0 ||
		       errno != EINVAL;
	t_ok(!bad, "each of the other 30 flags: %s", strerror(EINVAL));
	for (__u32 flags = 1; flags < 4; flags++) {
		fd = export_fence(buf, flags);
		t_err(fd, 0, "flags %u", flags);
		t_ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "close-on-exec is set");
		t_ok(poll_now(fd, 1) == 1, "an idle buffer's fence has signalled");
		close(fd);
	}
	t_err(ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, NULL), EFAULT, "NULL");
	t_err(ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, ptr_unmapped()),
	      EFAULT, "unmapped");
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		p = ptr_straddle(&arg, sizeof(arg), inside[i]);
		t_err(ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, p), EFAULT,
		      "only %zu bytes can be reached", inside[i]);
		ptr_free(p);
	}
	p = ptr_readonly(&arg, sizeof(arg));
	for (int i = 0; i < LEAK_ROUNDS; i++)
		failed += ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, p) < 0 &&
			  errno == EFAULT;
	t_ok(failed == LEAK_ROUNDS, "read-only, %d times: %s", LEAK_ROUNDS,
	     strerror(EFAULT));
	ptr_free(p);
	fd_table_full(true);
	fd = export_fence(buf, DMA_BUF_SYNC_RW);
	t_err(fd, EMFILE, "full fd table");
	fd_table_full(false);
	close(buf);
	group_end(&g);
}

static void test_import(void)
{
	struct dma_buf_import_sync_file arg = { .flags = DMA_BUF_SYNC_RW };
	int buf, fence, pipes[2], memfd, heap, bad = 0;
	struct group g;
	void *p;

	group_begin(&g, "DMA_BUF_IOCTL_IMPORT_SYNC_FILE");
	buf = new_buffer(page_size());
	heap = open_heap("system");
	fence = export_fence(buf, DMA_BUF_SYNC_RW);
	memfd = memfd_create("test", MFD_CLOEXEC);
	t_need(!pipe2(pipes, O_CLOEXEC), "pipe");

	t_err(import_fence(buf, fence, 0), EINVAL, "flags 0");
	for (int bit = 2; bit < 32; bit++)
		bad += import_fence(buf, fence, DMA_BUF_SYNC_READ | 1U << bit) == 0 ||
		       errno != EINVAL;
	t_ok(!bad, "each of the other 30 flags: %s", strerror(EINVAL));
	for (__u32 flags = 1; flags < 4; flags++)
		t_err(import_fence(buf, fence, flags), 0, "flags %u", flags);
	t_err(import_fence(buf, -1, DMA_BUF_SYNC_RW), EINVAL, "fd -1");
	t_err(import_fence(buf, INT32_MAX, DMA_BUF_SYNC_RW), EINVAL,
	      "fd 2^31-1");
	t_err(import_fence(buf, INT32_MIN, DMA_BUF_SYNC_RW), EINVAL, "fd -2^31");
	t_err(import_fence(buf, pipes[0], DMA_BUF_SYNC_RW), EINVAL, "a pipe");
	t_err(import_fence(buf, memfd, DMA_BUF_SYNC_RW), EINVAL, "a memfd");
	t_err(import_fence(buf, heap, DMA_BUF_SYNC_RW), EINVAL, "a heap");
	t_err(import_fence(buf, buf, DMA_BUF_SYNC_RW), EINVAL, "the buffer");
	t_err(ioctl(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, NULL), EFAULT, "NULL");
	t_err(ioctl(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, ptr_unmapped()),
	      EFAULT, "unmapped");
	arg.fd = fence;
	p = ptr_straddle(&arg, sizeof(arg), 6);
	t_err(ioctl(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, p), EFAULT,
	      "only 6 bytes can be read");
	ptr_free(p);
	p = ptr_readonly(&arg, sizeof(arg));
	t_err(ioctl(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, p), 0,
	      "read-only argument");
	ptr_free(p);
	close(fence);
	t_err(import_fence(buf, fence, DMA_BUF_SYNC_RW), EINVAL, "a closed fd");

	close(pipes[0]);
	close(pipes[1]);
	close(memfd);
	close(heap);
	close(buf);
	group_end(&g);
}

/* dma-buf ioctls on everything that is no dma-buf. */
static void test_wrong_files(void)
{
	const struct {
		unsigned long cmd;
		const char *text;
	} cmds[] = {
		{ DMA_BUF_IOCTL_SYNC, "SYNC" },
		{ DMA_BUF_SET_NAME, "SET_NAME" },
		{ DMA_BUF_IOCTL_EXPORT_SYNC_FILE, "EXPORT_SYNC_FILE" },
		{ DMA_BUF_IOCTL_IMPORT_SYNC_FILE, "IMPORT_SYNC_FILE" },
	};
	int buf, pipes[2], memfd, fence, heap;
	char arg[64] = "";
	struct group g;

	group_begin(&g, "files of other types");
	buf = new_buffer(page_size());
	fence = export_fence(buf, DMA_BUF_SYNC_RW);
	heap = open_heap("system");
	memfd = memfd_create("test", MFD_CLOEXEC);
	t_need(!pipe2(pipes, O_CLOEXEC), "pipe");
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		t_err(ioctl(pipes[0], cmds[i].cmd, arg), ENOTTY, "pipe: %s",
		      cmds[i].text);
		t_err(ioctl(memfd, cmds[i].cmd, arg), ENOTTY, "memfd: %s",
		      cmds[i].text);
		t_err(ioctl(fence, cmds[i].cmd, arg), ENOTTY, "sync_file: %s",
		      cmds[i].text);
		t_err(ioctl(-1, cmds[i].cmd, arg), EBADF, "fd -1: %s",
		      cmds[i].text);
		/* Number 0 is a heap's own ioctl, whatever its type says. */
		if (_IOC_NR(cmds[i].cmd))
			t_err(ioctl(heap, cmds[i].cmd, arg), EINVAL, "heap: %s",
			      cmds[i].text);
	}
	close(pipes[0]);
	close(pipes[1]);
	close(memfd);
	close(heap);
	close(fence);
	close(buf);
	group_end(&g);
}

int main(void)
{
	t_begin();
	test_lseek();
	test_file();
	test_sync();
	test_numbers();
	test_names();
	test_export();
	test_import();
	test_wrong_files();
	return t_end();
}
