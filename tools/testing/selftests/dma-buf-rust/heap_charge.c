// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for buffers: with dma_heap.mem_accounting=1 on the kernel's command line each page of a
 * buffer is charged to the memory cgroup of who made it, whichever heap it is from, as long as the
 * buffer is there. The number of things that are done at random is the argument.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "common.h"
#include "heap_charge.h"
#include "pool.h"

#define THINGS		10000
/* A group's counters are of pages that it has, but for a few of others than buffers. */
#define A_FEW		(16L * (long)page_size())
#define LIMIT		(6 * MEGABYTE)
#define MANY		256

/* What a child got, which may be killed at any moment */
static int *got;

/* Counters are up to date after 2 s at the latest. */
static bool becomes(const char *name, long bytes)
{
	long now = 0;

	for (int ms = 0; ms < PATIENCE_MS; ms += 100) {
		now = cgroup_buffers(name);
		if (labs(now - bytes) <= A_FEW)
			return true;
		nap_ms(100);
	}
	t_note("%s: %ld KiB, not %ld", name, now / 1024, bytes / 1024);
	return false;
}

/* Whether buffers of this heap count: C has that for the system heap only. */
static bool counts(const char *heap)
{
	return !strcmp(heap, "system") || is_rust_core();
}

static void test_size(const char *name, int heap)
{
	/* Pages: what the page allocator has in one piece, and what no heap has */
	static const int pages[] = { 1, 16, 256, 1024, 3, 35, 77, 273, 1023 };
	long all = 0, before = cgroup_buffers(ONE), current;
	int bufs[ARRAY_SIZE(pages)], bad = 0;
	struct group g;

	group_begin(&g, name);
	t_ok(cgroup_enter(ONE), "in a group");
	current = cgroup_read(ONE, "memory.current", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		bufs[i] = alloc_fd(heap, pages[i] * page_size());
		bad += bufs[i] < 0;
		all += pages[i] * (long)page_size();
	}
	t_ok(!bad, "%s: buffers of some sizes", name);
	t_ok(becomes(ONE, before + all), "%s: each page is charged, and once", name);
	/* Each CPU may have had some in advance. */
	t_ok(cgroup_read(ONE, "memory.current", NULL) - current >= all - (long)MEGABYTE,
	     "%s: as memory", name);
	t_ok(cgroup_enter(OTHER), "in another group");
	t_ok(becomes(ONE, before + all) && becomes(OTHER, 0),
	     "%s: they stay with the first group", name);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		close(bufs[i]);
	t_ok(becomes(ONE, before) && becomes(OTHER, 0), "%s: none is, any more", name);
	cgroup_enter("");
	group_end(&g);
}

static void test_off(const char *name, int heap)
{
	int buf;

	cgroup_enter(ONE);
	buf = alloc_fd(heap, 4 * MEGABYTE);
	t_ok(buf >= 0 && cgroup_read(ONE, "memory.current", NULL) < 4 * (long)MEGABYTE,
	     "%s: without mem_accounting nobody pays", name);
	close(buf);
	cgroup_enter("");
}

/* Until there is no room: it is told, or there is a process less. */
static void test_limit(const char *name, int heap, size_t size)
{
	int most = LIMIT / size, status;
	struct group g;
	pid_t child;

	group_begin(&g, name);
	t_need(cgroup_limit(ONE, LIMIT), "memory.max");
	*got = 0;
	child = fork();
	t_need(child >= 0, "fork");
	if (!child) {
		cgroup_enter(ONE);
		while (*got < MANY && alloc_fd(heap, size) >= 0)
			++*got;
		_exit(*got < MANY ? errno : 0);
	}
	t_need(waitpid(child, &status, 0) == child, "waitpid");
	t_note("%s, %zu KiB: %d: %s", name, size / 1024, *got,
	       WIFSIGNALED(status) ? "killed" : strerror(WEXITSTATUS(status)));
	t_ok(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == ENOMEM,
	     "%s: there is an end to it: no memory, or no process", name);
	t_ok(*got <= most && *got >= most / 2 - 1, "%s: it is where the limit is", name);
	t_ok(becomes(ONE, 0), "%s: nothing is left of what was had", name);
	cgroup_write(ONE, "memory.max", "max");
	group_end(&g);
}

static void test_random(const char *names, const int *heaps, int count, int things)
{
	struct group g;
	bool gone;

	group_begin(&g, names);
	/* Enough for most of it, so that not all is refused. */
	t_need(cgroup_limit(ONE, 2 * LIMIT), "memory.max");
	t_ok(charge_at_random(heaps, count, things) >= things, "%s: %d things", names, things);
	t_note("charges that met the limit: %ld, tasks killed for it: %ld",
	       cgroup_read(ONE, "memory.events", "max"),
	       cgroup_read(ONE, "memory.events", "oom_kill"));
	t_ok(becomes(ONE, 0) && becomes(OTHER, 0), "%s: nothing is charged any more", names);
	cgroup_write(ONE, "memory.max", "max");
	group_end(&g);

	gone = cgroup_remove(ONE) && cgroup_remove(OTHER) && cgroup_is_childless(OUTER);
	t_ok(gone, "%s: the groups can go", names);
	/* What they had not given back would be their parent's now. */
	t_ok(becomes(OUTER, 0), "%s: they leave nothing", names);
	cgroup_make(ONE);
	cgroup_make(OTHER);
}

/* What is in the pool is nobody's, and what comes from there is paid for. */
static void test_pool(int heap, int things)
{
	const size_t len = 16 * MEGABYTE;
	struct group g;
	long hits;
	int buf;

	if (!pool_keeps())
		return;
	write_file(POOL "limit_mib", "64");
	group_begin(&g, "the pool");
	cgroup_enter(ONE);
	close(alloc_fd(heap, len));
	t_ok(pool_stat("held") == (long)(len / page_size()), "pages that were charged are kept");
	t_ok(becomes(ONE, 0), "nobody pays for them");
	t_ok(pool_stat_becomes("used", 0), "they are zeroed");
	cgroup_enter(OTHER);
	hits = pool_stat("hits");
	buf = alloc_fd(heap, len);
	t_ok(buf >= 0 && pool_stat("hits") - hits >= (long)(len / MEGABYTE), "somebody gets them");
	t_ok(becomes(OTHER, len), "and pays for them");
	close(buf);
	t_ok(becomes(OTHER, 0), "no longer than for the buffer");
	cgroup_enter("");
	group_end(&g);

	/* Nothing may be missing of it for who has room, because somebody has none. */
	test_limit("system, with the pool", heap, MEGABYTE);
	t_ok(pool_stat("held") >= (long)(len / page_size()), "what was refused is in the pool");
	test_limit("system, with the pool", heap, 17 * page_size());
	test_size("system, with the pool", heap);
	test_random("system, with the pool", &heap, 1, things);
	t_ok(pool_off(), "the pool is empty");
	t_ok(becomes(OUTER, 0), "and nothing of it was charged");
}

int main(int argc, char *argv[])
{
	int things = argc > 1 ? atoi(argv[1]) : THINGS, heaps[MAX_HEAPS], all, count = 0;
	char names[MAX_HEAPS][64];

	t_begin();
	if (!cgroups_begin())
		return t_end();
	got = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t_need(got != MAP_FAILED, "mmap");
	cgroup_make(OUTER);
	t_need(cgroup_write(OUTER, "cgroup.subtree_control", "+memory"), "subtree_control");
	cgroup_make(ONE);
	cgroup_make(OTHER);

	all = list_heaps(names);
	for (int i = 0; i < all; i++) {
		int heap = open_heap(names[i]);

		if (!heaps_charge()) {
			test_off(names[i], heap);
			close(heap);
			continue;
		}
		if (!counts(names[i])) {
			t_skip("%s: in C nobody pays", names[i]);
			close(heap);
			continue;
		}
		test_size(names[i], heap);
		test_limit(names[i], heap, MEGABYTE);
		test_limit(names[i], heap, 35 * page_size());
		heaps[count++] = heap;
	}
	if (heaps_charge()) {
		test_random("all heaps", heaps, count, things);
		test_pool(open_heap("system"), things);
	} else {
		t_skip("the rest of it: dma_heap.mem_accounting=1");
	}
	cgroup_remove(ONE);
	cgroup_remove(OTHER);
	t_ok(cgroup_remove(OUTER), "all groups can go");
	cgroups_end();
	return t_end();
}
