// SPDX-License-Identifier: GPL-2.0
/*
 * Memory limits: what processes of a control group take as buffers counts as
 * theirs, also when somebody else has it by now. For the system heap that is so
 * with dma_heap.mem_accounting=1 on the kernel's command line.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/memfd.h>

#include "udmabufs.h"

#define ROOT		"/tmp/hostile-cgroup"
#define GROUP		ROOT "/hostile"
#define LIMIT		(24 * MEGABYTE)
/* Lists of a few pages again and again, and so many of these */
#define PAGES		64
#define ITEMS		1024
#define LISTS		6000

/* What a child got, which may be killed at any moment */
static int *got;

static bool group_write(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), GROUP "/%s", file);
	return write_file(path, text);
}

static long group_read(const char *file, const char *key)
{
	char path[128], text[1024];
	const char *at = text;

	snprintf(path, sizeof(path), GROUP "/%s", file);
	t_need(read_file(path, text, sizeof(text)), path);
	if (key)
		at = strstr(text, key);
	return at ? atol(at + (key ? strlen(key) : 0)) : 0;
}

/* Root's, or somebody's who may make groups */
static bool begin_groups(void)
{
	mkdir(ROOT, 0700);
	if (mount("none", ROOT, "cgroup2", 0, NULL))
		return false;
	if (!write_file(ROOT "/cgroup.subtree_control", "+memory")) {
		umount(ROOT);
		return false;
	}
	t_need(!mkdir(GROUP, 0700), GROUP);
	return true;
}

static void end_groups(void)
{
	for (int ms = 0; ms < PATIENCE_MS && rmdir(GROUP) && errno == EBUSY; ms += 20)
		nap_ms(20);
	umount(ROOT);
	rmdir(ROOT);
}

/* In the group: gets one more of something until it is refused, or killed, or has "most". */
static void take(int (*one_more)(int arg), int arg, int most)
{
	const struct rlimit files = { .rlim_cur = most + 100, .rlim_max = most + 100 };
	char text[32];
	int status;
	pid_t child;

	snprintf(text, sizeof(text), "%lu", LIMIT);
	t_need(group_write("memory.max", text), "memory.max");
	*got = 0;
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		snprintf(text, sizeof(text), "%d", getpid());
		if (!group_write("cgroup.procs", text) ||
		    setrlimit(RLIMIT_NOFILE, &files))
			_exit(255);
		while (*got < most && one_more(arg) >= 0)
			++*got;
		_exit(*got < most ? errno : 0);
	}
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	if (WIFSIGNALED(status))
		t_note("killed with %d of %d", *got, most);
	else
		t_note("%d of %d: %s", *got, most,
		       WEXITSTATUS(status) ? strerror(WEXITSTATUS(status)) : "all");
	t_ok(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL :
	     !WEXITSTATUS(status) || WEXITSTATUS(status) == ENOMEM,
	     "there is an end to it: no memory, or no process");
}

/* What a group is charged for when it holds nothing: stocks of each CPU, and slabs. */
static void test_given_back(void)
{
	long left = 0;

	for (int ms = 0; ms < PATIENCE_MS; ms += 100) {
		left = group_read("memory.current", NULL);
		if (left < 4L * (long)MEGABYTE)
			break;
		nap_ms(100);
	}
	t_ok(left < 4L * (long)MEGABYTE, "then the group has its memory back");
	if (left >= 4L * (long)MEGABYTE)
		t_note("%ld KiB are not", left / 1024);
}

static int one_buffer(int heap)
{
	return alloc_fd(heap, MEGABYTE);
}

static void test_heap(bool accounting)
{
	struct group g;
	int heap;

	group_begin(&g, "the system heap");
	heap = open_heap("system");
	take(one_buffer, heap, 64);
	if (accounting) {
		t_ok(*got * MEGABYTE <= LIMIT, "buffers count");
		t_ok(*got >= 8, "and nothing else counts for much");
		t_ok(group_read("memory.events", "max ") > 0, "the limit was met");
	} else {
		t_ok(*got == 64, "without mem_accounting they do not count");
	}
	test_given_back();
	close(heap);
	group_end(&g);
}

/* More memory, as a memory file and as a buffer */
static int one_udmabuf(int unused)
{
	int fd = memfd_create("hostile", MFD_ALLOW_SEALING | MFD_CLOEXEC), buf = -1;

	(void)unused;
	if (fd < 0)
		return -1;
	if (!ftruncate(fd, MEGABYTE) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		buf = udmabuf_of_pages(fd, 0, MEGABYTE / page_size());
	close(fd);
	return buf;
}

static void test_udmabuf(void)
{
	struct group g;

	group_begin(&g, "udmabuf");
	take(one_udmabuf, 0, 64);
	t_ok(*got * MEGABYTE <= LIMIT, "memory files count, as buffers of them do");
	test_given_back();
	group_end(&g);
}

/* The same few pages, in a buffer many times: what grows is the list of them. */
static int one_list(int fd)
{
	static struct udmabuf_create_item items[ITEMS];

	for (int i = 0; i < ITEMS; i++)
		items[i] = pages_of(fd, i % PAGES, 1);
	return udmabuf_of_list(items, ITEMS);
}

static void test_lists(void)
{
	struct group g;
	int fd;

	group_begin(&g, "lists of pages");
	fd = new_memfd(PAGES, F_SEAL_SHRINK);
	take(one_list, fd, LISTS);
	if (is_rust_core())
		t_ok(*got * ITEMS * sizeof(void *) <= LIMIT, "they count");
	else
		t_skip("in C they do not count");
	test_given_back();
	close(fd);
	group_end(&g);
}

/* Who makes a buffer pays for it, as long as anybody has it. */
static void test_given_away(void)
{
	int ends[2], heap, pidfd, buf = -1, status;
	char text[32], byte;
	struct group g;
	pid_t child;

	group_begin(&g, "a buffer that is given away");
	heap = open_heap("system");
	t_need(!pipe2(ends, O_CLOEXEC), "pipe2");
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		snprintf(text, sizeof(text), "%d", getpid());
		if (!group_write("cgroup.procs", text))
			_exit(1);
		buf = alloc_fd(heap, 8 * MEGABYTE);
		byte = (char)buf;
		if (buf < 0 || write(ends[1], &byte, 1) != 1)
			_exit(2);
		pause();
	}
	t_need(read(ends[0], &byte, 1) == 1, "the child's buffer");
	snprintf(text, sizeof(text), "/proc/%d/fd/%d", child, byte);
	t_err(open(text, O_RDWR), ENXIO, "who may look at the process does not get it from /proc");
	pidfd = syscall(SYS_pidfd_open, child, 0);
	buf = syscall(SYS_pidfd_getfd, pidfd, byte, 0);
	t_need(buf >= 0, "pidfd_getfd");
	close(pidfd);
	kill(child, SIGKILL);
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_ok(group_read("memory.current", NULL) >= 8L * (long)MEGABYTE,
	     "it still counts as the group's that made it");
	close(buf);
	test_given_back();
	close(heap);
	close(ends[0]);
	close(ends[1]);
	group_end(&g);
}

int main(void)
{
	char accounting[8] = "";
	int device;

	t_begin();
	if (!begin_groups()) {
		t_skip("no memory limits: CONFIG_MEMCG, and the rights to use it: %s",
		       strerror(errno));
		return t_end();
	}
	got = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t_need(got != MAP_FAILED, "mmap");
	read_file("/sys/module/dma_heap/parameters/mem_accounting", accounting,
		  sizeof(accounting));
	test_heap(accounting[0] == 'Y');
	if (accounting[0] == 'Y')
		test_given_away();
	else
		t_skip("the rest of it: dma_heap.mem_accounting=1");
	device = udmabuf_open();
	if (device >= 0) {
		test_udmabuf();
		test_lists();
		close(device);
	}
	end_groups();
	return t_end();
}
