// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel tells about a dma-buf (fdinfo, maps, bufinfo), and how long
 * one lives when its fd is shared.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <linux/dma-buf.h>

#include "common.h"
#include "fd_socket.h"

#define SIZE	(3 * page_size())

static void get_fdinfo(int fd, char *text, size_t len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	t_need(read_file(path, text, len), path);
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = strstr(text, line); at; at = strstr(at + 1, line))
		if ((at == text || at[-1] == '\n') && at[n] == '\n')
			return true;
	return false;
}

static bool fdinfo_says(int fd, const char *fmt, unsigned long value)
{
	char text[1024], line[64];

	get_fdinfo(fd, text, sizeof(text));
	snprintf(line, sizeof(line), "%s%lu", fmt, value);
	return has_line(text, line);
}

static void set_name(int buf, const char *name)
{
	t_need(!ioctl(buf, DMA_BUF_SET_NAME, name), "DMA_BUF_SET_NAME");
}

static void test_fdinfo(const char *heap_name)
{
	char text[1024], line[128];
	int heap, buf, copy;
	struct group g;
	void *p;

	group_begin(&g, "fdinfo");
	heap = open_heap(heap_name);
	buf = alloc_fd(heap, SIZE);
	close(heap);
	get_fdinfo(buf, text, sizeof(text));
	snprintf(line, sizeof(line), "size:\t%zu", SIZE);
	t_ok(has_line(text, line), "%s: size", heap_name);
	t_ok(has_line(text, "count:\t1"), "%s: count", heap_name);
	snprintf(line, sizeof(line), "exp_name:\t%.63s", heap_name);
	t_ok(has_line(text, line), "%s: exp_name", heap_name);
	t_ok(!strstr(text, "\nname:"), "%s: no name at first", heap_name);
	snprintf(line, sizeof(line), "ino:\t%llu",
		 (unsigned long long)inode_of(buf));
	t_ok(has_line(text, line), "%s: ino", heap_name);
	t_ok(has_line(text, "pos:\t0"), "%s: pos", heap_name);
	t_ok(strstr(text, "size:") < strstr(text, "count:") &&
	     strstr(text, "count:") < strstr(text, "exp_name:"),
	     "%s: the order of the lines", heap_name);

	copy = dup(buf);
	t_ok(fdinfo_says(buf, "count:\t", 2), "%s: count with a dup", heap_name);
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, buf, 0);
	t_ok(fdinfo_says(copy, "count:\t", 3), "%s: and a mapping", heap_name);
	munmap(p, SIZE);
	close(copy);
	t_ok(fdinfo_says(buf, "count:\t", 1), "%s: and without", heap_name);

	set_name(buf, "first");
	get_fdinfo(buf, text, sizeof(text));
	t_ok(has_line(text, "name:\tfirst"), "%s: a name", heap_name);
	set_name(buf, "second name");
	get_fdinfo(buf, text, sizeof(text));
	t_ok(has_line(text, "name:\tsecond name") && !strstr(text, "first"),
	     "%s: another name", heap_name);
	set_name(buf, "");
	get_fdinfo(buf, text, sizeof(text));
	t_ok(has_line(text, "name:\t"), "%s: the empty name", heap_name);
	close(buf);
	group_end(&g);
}

/* The line of /proc/self/maps for an address, as it ends. */
static bool maps_name(void *p, const char *want, ino_t ino)
{
	static char text[65536];
	char start[32], *line, *end;
	unsigned long long n = 0;

	snprintf(start, sizeof(start), "%08lx-", (unsigned long)p);
	t_need(read_file("/proc/self/maps", text, sizeof(text)), "maps");
	line = strstr(text, start);
	if (!line)
		return false;
	end = strchr(line, '\n');
	*end = '\0';
	return sscanf(line, "%*s %*s %*s %*s %llu", &n) == 1 && n == ino &&
	       strlen(line) > strlen(want) &&
	       !strcmp(end - strlen(want), want);
}

static void test_maps(void)
{
	struct group g;
	void *p;
	int buf;

	group_begin(&g, "/proc/self/maps");
	buf = new_buffer(SIZE);
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, buf, 0);
	t_ok(maps_name(p, " /dmabuf:", inode_of(buf)), "without a name");
	set_name(buf, "a name");
	t_ok(maps_name(p, " /dmabuf:a name", inode_of(buf)), "with a name");
	set_name(buf, "0123456789012345678901234567890");
	t_ok(maps_name(p, " /dmabuf:0123456789012345678901234567890",
		       inode_of(buf)), "with the longest name");
	set_name(buf, "a\nb");
	t_ok(maps_name(p, " /dmabuf:a\\012b", inode_of(buf)),
	     "a line break is escaped");
	munmap(p, SIZE);
	close(buf);
	group_end(&g);
}

static void test_bufinfo(void)
{
	char text[4096], want[256];
	int heap, a, b, objects;
	unsigned long size;
	struct group g;
	FILE *f;

	group_begin(&g, "bufinfo");
	objects = count_objects();
	heap = open_heap("system");
	a = alloc_fd(heap, SIZE);
	b = alloc_fd(heap, 2 * SIZE);
	close(heap);
	t_ok(count_objects() == objects + 2, "two more objects");
	t_ok(inode_of(a) != inode_of(b), "buffers have inodes of their own");
	t_ok(bufinfo_of(a, text, sizeof(text)), "a buffer is listed");
	t_ok(strtoul(text, NULL, 10) == SIZE, "its size");
	snprintf(want, sizeof(want), "%08zu\t%08x\t", SIZE,
		 fcntl(a, F_GETFL) & ~O_LARGEFILE);
	t_ok(!strncmp(text, want, strlen(want)), "size and flags in columns");
	snprintf(want, sizeof(want), "\t%08d\tsystem\t%08llu\t<none>\n", 1,
		 (unsigned long long)inode_of(a));
	t_ok(strstr(text, want), "count, exporter, inode, no name");
	t_ok(strstr(text, "\tAttached Devices:\nTotal 0 devices attached\n"),
	     "no device is attached");
	set_name(a, "seen");
	t_ok(bufinfo_of(a, text, sizeof(text)) && strstr(text, "\tseen\n"),
	     "its name");
	/* Byte by byte: seq_file must not get lost. */
	f = fopen(BUFINFO, "re");
	setvbuf(f, NULL, _IONBF, 0);
	for (size = 0; size < sizeof(text) - 1; size++) {
		int c = fgetc(f);

		if (c == EOF)
			break;
		text[size] = c;
	}
	text[size] = '\0';
	fclose(f);
	t_ok(!strncmp(text, "\nDma-buf Objects:\nsize", 22) &&
	     strstr(text, "\tseen\n"), "read byte by byte");
	close(a);
	t_ok(bufinfo_of(b, text, sizeof(text)) && count_objects() == objects + 1,
	     "one is closed, the other stays");
	close(b);
	group_end(&g);
}

static void test_dup(void)
{
	int buf, copies[4], before, n = 0;
	struct group g;

	group_begin(&g, "copies of an fd");
	before = count_objects();
	buf = new_buffer(MEGABYTE);
	copies[n++] = dup(buf);
	copies[n++] = dup3(buf, 100, O_CLOEXEC);
	copies[n++] = fcntl(buf, F_DUPFD_CLOEXEC, 0);
	copies[n++] = fcntl(buf, F_DUPFD, 200);
	t_ok(fdinfo_says(buf, "count:\t", 5), "five references");
	close(buf);
	while (n > 1)
		close(copies[--n]);
	t_ok(count_objects() == before + 1, "one copy keeps the buffer");
	t_ok(lseek(copies[0], 0, SEEK_END) == MEGABYTE, "and is of use");
	/* Another buffer takes the place of the last copy. */
	buf = new_buffer(page_size());
	t_ok(dup2(buf, copies[0]) == copies[0] && count_objects() == before + 1,
	     "dup2 over the last copy frees the buffer");
	close(copies[0]);
	close(buf);
	group_end(&g);
}

static void test_fork(void)
{
	int buf, status, before;
	char text[1024];
	struct group g;
	pid_t child;

	group_begin(&g, "fork");
	before = count_objects();
	buf = new_buffer(MEGABYTE);
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		set_name(buf, "child");
		_exit(fdinfo_says(buf, "count:\t", 2) ? 0 : 1);
	}
	waitpid(child, &status, 0);
	t_ok(WIFEXITED(status) && !WEXITSTATUS(status),
	     "a child has a reference of its own");
	get_fdinfo(buf, text, sizeof(text));
	t_ok(has_line(text, "name:\tchild"), "it named the same buffer");
	t_ok(has_line(text, "count:\t1"), "its reference went with it");
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		close(buf);
		buf = new_buffer(MEGABYTE);
		_exit(buf < 0);
	}
	waitpid(child, &status, 0);
	t_ok(count_objects() == before + 1, "what a child allocates dies with it");
	close(buf);
	group_end(&g);
}

/* An fd in a socket keeps the buffer; it goes when the socket does. */
static void test_socket(void)
{
	int buf, socks[2], before;
	struct group g;

	group_begin(&g, "an fd on its way");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks)) {
		t_skip("no AF_UNIX in this kernel: %s", strerror(errno));
		group_end(&g);
		return;
	}
	before = count_objects();
	buf = new_buffer(MEGABYTE);
	t_need(send_fd(socks[0], buf) == 1, "sendmsg");
	close(buf);
	t_ok(count_objects() == before + 1, "the socket keeps the buffer");
	close(socks[0]);
	close(socks[1]);
	group_end(&g);
}

int main(void)
{
	char heaps[MAX_HEAPS][64];
	int n;

	t_begin();
	n = list_heaps(heaps);
	t_ok(n > 0, "there are %d heaps", n);
	for (int i = 0; i < n; i++)
		test_fdinfo(heaps[i]);
	test_maps();
	test_bufinfo();
	test_dup();
	test_fork();
	test_socket();
	return t_end();
}
