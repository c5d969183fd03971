// SPDX-License-Identifier: GPL-2.0
/*
 * What drivers should not do, and what goes wrong by chance: bugs of the C core, which here
 * do no harm. failing.ko does most of it. With the C core nothing is done but what is named:
 * "misuse WORD" shows it, and may stop a task or the machine.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "faults.h"
#include "modules.h"
#include "udmabufs.h"

#define DIR		"/sys/kernel/debug/dma_buf_failing/"
#define WARNINGS	DIR "warnings"
#define BOUNCED		"/sys/kernel/debug/swiotlb/io_tlb_used"
#define NODE		"/dev/failing_heap"
#define PAGES		16
#define ADDITIONS	40
#define RACE_MS		2000
/* With C it takes longer to come to what a word shows. */
#define SHOW_MS		60000

/* The word that is to be shown, or NULL: all */
static const char *shown;
static bool is_known;

static bool wants(const char *word)
{
	const bool wanted = !shown || !strcmp(shown, word);

	is_known |= wanted;
	return wanted;
}

/* Who was stopped may have a buffer locked: then bufinfo is not to be read. */
static void end(const struct group *g)
{
	if (!shown)
		group_end(g);
}

static pid_t begin_child(void)
{
	pid_t child;

	/* what is not printed yet is not printed twice */
	fflush(NULL);
	child = fork();
	t_need(child >= 0, "fork");
	if (!child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

/* Whether the child has come to its end; it is waited for later. */
static bool is_over(pid_t child)
{
	siginfo_t info = { 0 };

	t_need(!waitid(P_PID, child, &info, WEXITED | WNOHANG | WNOWAIT), "waitid");
	return info.si_pid == child;
}

/* In a child, which the kernel may stop: then it is -1, otherwise 0 or errno. */
static int outcome_of(const char *file, const char *word)
{
	pid_t child = begin_child();
	int status;

	if (!child) {
		errno = 0;
		_exit(write_file(file, word) ? 0 : errno);
	}
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	t_note("%s: killed: %s", word, strsignal(WTERMSIG(status)));
	return -1;
}

enum what { NOTHING, BUFFER, UDMABUF };

struct misuse {
	const char *word;
	enum what with;
	/* The kernel warns: told to the log if it is to be shown, expected otherwise. */
	bool warns, warns_often;
	/* Only a bounce buffer (swiotlb=force) tells. */
	bool bounced;
	/* With CONFIG_DMABUF_DEBUG importers get a table that does not tell. */
	bool not_debug;
};

static const struct misuse misuses[] = {
	{ .word = "vmap_left", .warns = true },
	{ .word = "vunmap_alone", .warns = true },
	{ .word = "callback_left", .warns = true },
	{ .word = "attached_left", .warns = true },
	{ .word = "too_many", .warns = true, .warns_often = true },
	{ .word = "no_names", .warns = true },
	{ .word = "fence_forgotten", .warns = true },
	{ .word = "lock_gone" },
	{ .word = "late_wait" },
	{ .word = "late_wait_any" },
	{ .word = "heap_format" },
	{ .word = "dma_none", .with = BUFFER },
	{ .word = "map_twice", .with = BUFFER, .bounced = true, .not_debug = true },
	{ .word = "detach_mapped", .with = BUFFER, .warns = true, .not_debug = true },
	{ .word = "bounced", .with = UDMABUF, .bounced = true },
};

static int new_udmabuf(void)
{
	int device = udmabuf_open(), fd, buf;

	if (device < 0)
		return -1;
	fd = new_memfd(PAGES, F_SEAL_SHRINK);
	buf = udmabuf_of_pages(fd, 0, PAGES);
	close(fd);
	close(device);
	return buf;
}

static long bounce_slots(void)
{
	char text[32] = "";

	t_need(!has_bounce_buffers() || read_file(BOUNCED, text, sizeof(text)), BOUNCED);
	return atol(text);
}

static void test_misuse(const struct misuse *m)
{
	const char *file = m->warns && !shown ? DIR "call_with_warnings" : DIR "call";
	char text[64];
	int buf = -1, got;
	struct group g;
	long slots;

	if (m->bounced && !has_bounce_buffers()) {
		t_skip("%s: needs swiotlb=force", m->word);
		return;
	}
	group_begin(&g, m->word);
	if (m->with == BUFFER)
		buf = new_buffer(PAGES * page_size());
	if (m->with == UDMABUF)
		buf = new_udmabuf();
	if (m->with == UDMABUF && buf < 0)
		return;
	snprintf(text, sizeof(text), buf < 0 ? "%s" : "%s %d", m->word, buf);
	slots = bounce_slots();
	got = outcome_of(file, text);
	if (got == ENODEV && m->not_debug) {
		t_skip("%s: not with CONFIG_DMABUF_DEBUG", m->word);
	} else if (got == EOPNOTSUPP && m->warns && !shown) {
		t_skip("%s: not without KUnit", m->word);
	} else {
		if (got > 0)
			t_note("%s: %s", m->word, strerror(got));
		t_ok(!got, "%s: harmless", m->word);
		if (m->warns && !shown && !m->warns_often)
			t_ok(read_file(WARNINGS, text, sizeof(text)) && atoi(text) == 1,
			     "%s: one warning, and no other", m->word);
		if (has_bounce_buffers())
			t_ok(bounce_slots() - slots < PAGES, "%s: no addresses are left", m->word);
	}
	if (buf >= 0)
		close(buf);
	end(&g);
}

/* A heap of a name that there is: who opens its device early gets nothing that is freed. */
static void test_heap_again(void)
{
	struct dma_heap_allocation_data data = { .len = 4096, .fd_flags = O_CLOEXEC };
	char heaps[MAX_HEAPS][64];
	int refused = 0, tried = 0, status;
	struct stat system;
	struct group g;
	pid_t child;

	if (stat("/dev/dma_heap/system", &system)) {
		t_skip("heap_again: no system heap");
		return;
	}
	group_begin(&g, "heap_again");
	unlink(NODE);
	/* the next minor is that of as many as there are */
	t_need(!mknod(NODE, S_IFCHR | 0600, makedev(major(system.st_rdev), list_heaps(heaps))),
	       "mknod");
	child = begin_child();
	if (!child) {
		int heap;

		do {
			heap = open(NODE, O_RDWR | O_CLOEXEC);
		} while (heap < 0);
		/* by then it is freed */
		nap_ms(500);
		ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
		_exit(EBADF);
	}
	while (tried < ADDITIONS) {
		tried++;
		refused += outcome_of(DIR "call", "heap_again") == EEXIST;
		if (is_over(child))
			break;
	}
	/* and one that is inside may come to its end */
	nap_ms(1000);
	kill(child, SIGKILL);
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_ok(refused == tried, "heap_again: refused %d times of %d, there is one of this name",
	     refused, tried);
	t_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	     "heap_again: nobody opens one that was not added");
	unlink(NODE);
	end(&g);
}

/* Who watches edges is told once that a buffer is ready. */
static void test_edges(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct group g;
	int buf, poll;

	group_begin(&g, "edges");
	buf = new_buffer(page_size());
	poll = epoll_create1(EPOLL_CLOEXEC);
	t_need(!epoll_ctl(poll, EPOLL_CTL_ADD, buf, &event), "epoll_ctl");
	t_ok(epoll_wait(poll, &event, 1, 0) == 1, "edges: told");
	t_ok(epoll_wait(poll, &event, 1, 0) == 0, "edges: once");
	t_ok(epoll_wait(poll, &event, 1, 0) == 0, "edges: and no more");
	close(poll);
	close(buf);
	end(&g);
}

static int sync_access(int buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	return ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync);
}

/*
 * The first access of a udmabuf fails for want of memory, again and again; another one
 * looks at what has come of it.
 */
static void test_first_access(void)
{
	const __u64 until = now_ns() + (shown ? SHOW_MS : RACE_MS) * 1000000ULL;
	unsigned long rounds = 0, failed = 0;
	bool is_gone = false;
	struct group g;
	pid_t child;
	int buf;

	if (!faults_begin(false))
		return;
	group_begin(&g, "first_access");
	buf = new_udmabuf();
	while (buf >= 0 && !is_gone && now_ns() < until) {
		bool first = true;

		child = begin_child();
		if (!child)
			while (true)
				sync_access(buf, DMA_BUF_SYNC_END);
		/* what has begun once is not begun for the first time again */
		while (first && !is_gone && now_ns() < until) {
			/* a copy from user space may be first */
			fault_arm(1 + rounds++ % 2);
			first = sync_access(buf, DMA_BUF_SYNC_START) < 0;
			fault_disarm();
			failed += first;
			is_gone = is_over(child);
		}
		kill(child, SIGKILL);
		t_need(waitpid(child, NULL, 0) == child, "waitpid");
		close(buf);
		buf = new_udmabuf();
	}
	if (buf >= 0) {
		t_note("%lu times, %lu failed", rounds, failed);
		t_ok(!is_gone, "first_access: nobody stumbles over an error");
		close(buf);
	}
	end(&g);
	faults_end();
}

static bool begin_module(void)
{
	int module = open_module(NULL, "failing"), ret;

	if (module < 0) {
		t_skip("no failing.ko beside this program: %s", strerror(errno));
		return false;
	}
	ret = insert_module(module, "");
	/* another word was shown before */
	if (ret && shown && errno == EEXIST)
		ret = 0;
	t_err(ret, 0, "load failing.ko");
	close(module);
	return !ret;
}

int main(int argc, char **argv)
{
	t_begin();
	shown = argc > 1 ? argv[1] : NULL;
	if (!shown && !is_rust_core()) {
		t_skip("what C does not survive: misuse WORD");
		return t_end();
	}
	if (wants("edges"))
		test_edges();
	if (wants("first_access"))
		test_first_access();
	if (!begin_module())
		return t_end();
	if (wants("heap_again"))
		test_heap_again();
	for (size_t i = 0; i < ARRAY_SIZE(misuses); i++)
		if (wants(misuses[i].word))
			test_misuse(&misuses[i]);
	t_need(is_known, "no such word");
	/* what was stopped still uses it */
	if (!shown)
		t_err(module_unload_soon("failing"), 0, "unload failing.ko");
	return t_end();
}
