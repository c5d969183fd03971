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
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/memfd.h>

#include "cgroup.h"
#include "nobody.h"
#include "udmabufs.h"

#define GROUP		"hostile"
#define LIMIT		(24 * MEGABYTE)
/* Lists of a few pages again and again, and so many of these */
#define PAGES		64
#define ITEMS		1024
#define LISTS		6000

/* What a child got, which may be killed at any moment */
static int *got;

/* Nobody in the group gets one more of something until refused, or killed, or he has "most". */
static void take(int (*one_more)(int arg), int arg, int most)
{
	const struct rlimit files = { .rlim_cur = most + 100, .rlim_max = most + 100 };
	int status;
	pid_t child;

	t_need(cgroup_limit(GROUP, LIMIT), "memory.max");
	*got = 0;
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		if (!cgroup_enter(GROUP) || setrlimit(RLIMIT_NOFILE, &files))
			_exit(255);
		drop_rights();
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
		left = cgroup_read(GROUP, "memory.current", NULL);
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

static int large_buffer(int heap)
{
	return alloc_fd(heap, 4 * LIMIT);
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
		t_ok(cgroup_read(GROUP, "memory.events", "max") > 0, "the limit was met");
	} else {
		t_ok(*got == 64, "without mem_accounting they do not count");
	}
	test_given_back();
	if (accounting) {
		take(large_buffer, heap, 1);
		t_ok(!*got, "nor is there one buffer of more");
		test_given_back();
	}
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

static void test_lists(bool must_count)
{
	struct group g;
	int fd;

	group_begin(&g, "lists of pages");
	fd = new_memfd(PAGES, F_SEAL_SHRINK);
	take(one_list, fd, LISTS);
	if (must_count)
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
		if (!cgroup_enter(GROUP))
			_exit(1);
		drop_rights();
		buf = alloc_fd(heap, 8 * MEGABYTE);
		byte = (char)buf;
		if (buf < 0 || write(ends[1], &byte, 1) != 1)
			_exit(2);
		pause();
	}
	close(ends[1]);
	t_need(read(ends[0], &byte, 1) == 1, "the child's buffer");
	snprintf(text, sizeof(text), "/proc/%d/fd/%d", child, byte);
	t_err(open(text, O_RDWR), ENXIO, "who may look at the process does not get it from /proc");
	pidfd = syscall(SYS_pidfd_open, child, 0);
	buf = syscall(SYS_pidfd_getfd, pidfd, byte, 0);
	t_need(buf >= 0, "pidfd_getfd");
	close(pidfd);
	kill(child, SIGKILL);
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_ok(cgroup_read(GROUP, "memory.current", NULL) >= 8L * (long)MEGABYTE,
	     "it still counts as the group's that made it");
	close(buf);
	test_given_back();
	close(heap);
	close(ends[0]);
	group_end(&g);
}

/* "lists": they must count with the C core, too, where they do not. */
int main(int argc, char **argv)
{
	int device;

	t_begin();
	if (!cgroups_begin())
		return t_end();
	cgroup_make(GROUP);
	got = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t_need(got != MAP_FAILED, "mmap");
	test_heap(heaps_charge());
	if (heaps_charge())
		test_given_away();
	else
		t_skip("the rest of it: dma_heap.mem_accounting=1");
	device = udmabuf_open();
	if (device >= 0) {
		test_udmabuf();
		test_lists(is_rust_core() || (argc > 1 && !strcmp(argv[1], "lists")));
		close(device);
	}
	cgroup_remove(GROUP);
	cgroups_end();
	return t_end();
}
