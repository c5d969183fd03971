// SPDX-License-Identifier: GPL-2.0
/*
 * The pool of the system heap (CONFIG_DMABUF_HEAPS_POOL): what one buffer had comes
 * to the next one, and nothing of what was in it. It is there for who is short of memory.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "faults.h"
#include "pool.h"

#define LIMIT_MIB	64
#define LIMIT		"64"
#define ROUNDS		10000
#define TASKS		3
#define MAX_FAULTS	400

static int heap;

static void test_zeroes(void)
{
	int status, bad = 0, running = TASKS;
	struct group g;
	long hits;

	group_begin(&g, "nothing of what was in a buffer");
	t_ok(write_file(POOL "limit_mib", LIMIT), "raise the limit");
	hits = pool_stat("hits") + pool_stat("late");
	for (int i = 0; i < TASKS; i++) {
		pid_t pid = fork();

		if (!pid) {
			srand(i);
			_exit(!!use_buffers(heap, ROUNDS / TASKS, 0x11 * (i + 1)));
		}
		if (pid < 0) {
			bad++;
			running--;
		}
	}
	while (running) {
		if (waitpid(-1, &status, WNOHANG) > 0) {
			bad += !!status;
			running--;
			continue;
		}
		/* Taken away meanwhile, too. */
		write_file("/proc/sys/vm/drop_caches", "2");
		nap_ms(200);
	}
	t_ok(!bad, "%d buffers were zero when they came", ROUNDS);
	t_ok(pool_stat("hits") + pool_stat("late") > hits, "some of them from the pool");
	t_ok(pool_stat("held") <= (long)(LIMIT_MIB * MEGABYTE / page_size()),
	     "no more than the limit is held");
	t_ok(pool_off(), "without a limit nothing is held");
	group_end(&g);
}

/* Pages, of all CPUs; -1 if it cannot be read. */
static long reclaimable(void)
{
	static const char key[] = "nr_kernel_misc_reclaimable ";
	char text[16384], *at;

	write_file("/proc/sys/vm/stat_refresh", "1");
	if (!read_file("/proc/vmstat", text, sizeof(text)))
		return -1;
	at = strstr(text, key);
	return at ? atol(at + strlen(key)) : -1;
}

static void test_zeroed_before(void)
{
	size_t len = 16 * MEGABYTE;
	long hits, late, held, before;
	struct group g;
	int buf;

	group_begin(&g, "zeroed in the background");
	before = reclaimable();
	write_file(POOL "limit_mib", LIMIT);
	close(used_buffer(heap, len, 0x5a));
	held = pool_stat("held");
	t_ok(held == (long)(len / page_size()), "the pages of a buffer are held");
	t_ok(before >= 0 && reclaimable() == before + held, "they count as reclaimable");
	t_ok(pool_stat_becomes("used", 0), "they are zeroed");
	t_ok(reclaimable() == before + held, "that changes nothing");
	hits = pool_stat("hits");
	late = pool_stat("late");
	buf = used_buffer(heap, len, 0x5a);
	t_ok(buf >= 0, "the next buffer is zero");
	t_ok(pool_stat("hits") > hits && pool_stat("late") == late && !pool_stat("held"),
	     "it is made of nothing else");
	t_ok(reclaimable() == before, "nothing is reclaimable any more");
	close(buf);
	t_ok(pool_off() && reclaimable() == before, "nor when it was freed");
	group_end(&g);
}

static void test_shrinker(void)
{
	long reclaimed;
	struct group g;

	group_begin(&g, "the shrinker");
	write_file(POOL "limit_mib", LIMIT);
	close(used_buffer(heap, 16 * MEGABYTE, 0x5a));
	close(used_buffer(heap, page_size(), 0x5a));
	reclaimed = pool_stat("reclaimed");
	t_ok(pool_shrinks(), "nothing is held any more");
	t_ok(pool_stat("reclaimed") > reclaimed, "it was the shrinker");
	write_file(POOL "limit_mib", "0");
	group_end(&g);
}

/* An allocation that fails has what the pool holds before it is told. */
static void test_failure(void)
{
	int n, buf, saved = 0;
	bool failed = true;
	struct group g;

	group_begin(&g, "an allocation that would fail");
	if (!faults_begin(false)) {
		group_end(&g);
		return;
	}
	write_file(POOL "limit_mib", LIMIT);
	for (n = 1; failed && n < MAX_FAULTS; n++) {
		long drained;

		/* Not of use for the next buffer as it is */
		close(used_buffer(heap, MEGABYTE, 0x5a));
		pool_stat_becomes("used", 0);
		drained = pool_stat("drained");
		fault_arm(n);
		buf = alloc_fd(heap, page_size());
		failed = fault_disarm();
		if (failed && buf >= 0 && pool_stat("drained") > drained)
			saved++;
		if (buf >= 0)
			close(buf);
		/* The page is not to be there the next time. */
		pool_off();
		write_file(POOL "limit_mib", LIMIT);
	}
	t_ok(!failed, "it gets through in the end");
	t_ok(saved > 0, "the pool's pages have saved %d", saved);
	faults_end();
	pool_off();
	group_end(&g);
}

static void test_limit(void)
{
	static const char *const bad[] = { "-1", "many", "\n", "99999999999999999999999999" };
	struct group g;
	char text[32];

	group_begin(&g, "what the limit may be");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		t_ok(!write_file(POOL "limit_mib", bad[i]), "'%s' is refused",
		     *bad[i] == '\n' ? "" : bad[i]);
	}
	t_ok(write_file(POOL "limit_mib", "3\n") &&
	     read_file(POOL "limit_mib", text, sizeof(text)) && atoi(text) == 3,
	     "what is written can be read");
	t_ok(pool_stat("limit") == (long)(3 * MEGABYTE / page_size()), "it counts in pages");
	write_file(POOL "limit_mib", "0");
	group_end(&g);
}

int main(void)
{
	t_begin();
	if (!pool_keeps())
		return t_end();
	heap = open_heap("system");
	test_limit();
	test_zeroes();
	stay_on_cpu();
	test_zeroed_before();
	test_shrinker();
	test_failure();
	close(heap);
	return t_end();
}
