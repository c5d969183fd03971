// SPDX-License-Identifier: GPL-2.0
/*
 * The pool of the system heap (CONFIG_DMABUF_HEAPS_POOL): what one buffer had comes
 * to the next one, and nothing of what was in it. It is there for who is short of memory.
 * Usage: heap_pool [buffers].
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "faults.h"
#include "pool.h"

#define LIMIT_MIB	64
#define LIMIT		"64"
#define BUFFERS		10000
#define TASKS		3
#define MAX_FAULTS	400
#define FAIL_PAGES	"/sys/kernel/debug/fail_page_alloc/"
#define BREAK		"/sys/kernel/debug/hwpoison/corrupt-pfn"
#define TRIES		64

static int heap;

static void test_zeroes(int buffers)
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
			_exit(!!use_buffers(heap, buffers / TASKS, 0x11 * (i + 1)));
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
	t_ok(!bad, "%d buffers were zero when they came", buffers);
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
	struct group g;

	group_begin(&g, "the shrinker");
	write_file(POOL "limit_mib", LIMIT);
	t_ok(pool_shrinks(heap), "it frees all that is held");
	write_file(POOL "limit_mib", "0");
	group_end(&g);
}

/* What there is in the pool when an allocation begins */
enum content { NOTHING, USED, ZEROED };

static void fill_pool(size_t len, enum content content)
{
	pool_off();
	write_file(POOL "limit_mib", LIMIT);
	if (content == NOTHING)
		return;
	close(used_buffer(heap, len, 0x5a));
	if (content == ZEROED)
		pool_stat_becomes("used", 0);
}

/* For what this task does, no page is to be had: what is freed is of no help. */
static void fail_pages(bool on)
{
	write_file(FAIL_PAGES "task-filter", on ? "Y" : "N");
	write_file(FAIL_PAGES "times", on ? "-1" : "1");
	write_file(FAIL_PAGES "probability", on ? "100" : "0");
	/* From here on, and no longer */
	write_file("/proc/thread-self/make-it-fail", on ? "1" : "0");
}

static void test_no_pages(void)
{
	int buf, err;
	long drained;

	fill_pool(MEGABYTE, USED);
	drained = pool_stat("drained");
	fail_pages(true);
	buf = alloc_fd(heap, page_size());
	err = errno;
	fail_pages(false);
	t_ok(buf < 0 && err == ENOMEM, "without any page it fails");
	t_ok(!pool_stat("held") && pool_stat("drained") > drained,
	     "not before all that was held was freed");
	pool_off();
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
	test_no_pages();
	faults_end();
	pool_off();
	group_end(&g);
}

/* A fault at each place of an allocation, and of the end of a buffer, until none is left */
static void fail_each(size_t len, enum content content, const char *name)
{
	int n, buf, failed = 0, wrong = 0, dirty = 0, left = 0;
	struct counts before;
	bool hit = true;

	fill_pool(len, content);
	before = count_all();
	for (n = 1; hit && n < MAX_FAULTS; n++) {
		fill_pool(len, content);
		fault_arm(n);
		buf = alloc_fd(heap, len);
		wrong += buf < 0 && errno != ENOMEM && errno != EFAULT;
		hit = fault_disarm();
		if (buf < 0) {
			failed++;
			buf = alloc_fd(heap, len);
		}
		dirty += buf < 0 || !fill_zeroed(buf, len, 0xa5);
		fault_arm(n);
		close(buf);
		hit |= fault_disarm();
		/* Of all that the pool has kept */
		buf = used_buffer(heap, len, 0x5a);
		dirty += buf < 0;
		close(buf);
		left += !nothing_left(&before, name, n);
	}
	t_note("%zu KiB, %s: %d faults, %d failures", len / 1024, name, n - 2, failed);
	t_ok(!hit && failed && !wrong, "%zu KiB, %s: fails as it should", len / 1024, name);
	t_ok(!dirty && !left, "%zu KiB, %s: zero afterwards, and nothing is left", len / 1024,
	     name);
}

static void test_faults(void)
{
	static const char *const names[] = { "an empty pool", "one with used pages", "zeroed" };
	const size_t sizes[] = { page_size(), 35 * page_size(), MEGABYTE + 17 * page_size() };
	struct group g;

	group_begin(&g, "faults");
	if (!faults_begin(false)) {
		group_end(&g);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (int content = NOTHING; content <= ZEROED; content++)
			fail_each(sizes[i], content, names[content]);
	faults_end();
	pool_off();
	group_end(&g);
}

/* Where the first page of a buffer is in memory; 0 if that is not told */
static __u64 frame_of(int buf)
{
	void *p = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, buf, 0);
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry = 0;

	if (p != MAP_FAILED && map >= 0 &&
	    pread(map, &entry, sizeof(entry), (uintptr_t)p / page_size() * sizeof(entry)) < 0)
		entry = 0;
	if (p != MAP_FAILED)
		munmap(p, page_size());
	close(map);
	return entry & ((1ULL << 55) - 1);
}

/* What breaks in the pool is not given out again, by nobody. */
static void test_broken(enum content content, const char *name)
{
	int bufs[TRIES], again = 0, bad = 0;
	char text[32];
	__u64 frame;

	fill_pool(page_size(), NOTHING);
	bufs[0] = used_buffer(heap, page_size(), 0x5a);
	frame = frame_of(bufs[0]);
	close(bufs[0]);
	if (content == ZEROED)
		pool_stat_becomes("used", 0);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)frame);
	/* It says that nothing can be done about it, which is so. */
	t_ok(frame && pool_stat("held") == 1, "%s: a page is in the pool", name);
	write_file(BREAK, text);
	for (int i = 0; i < TRIES; i++) {
		bufs[i] = used_buffer(heap, page_size(), 0x5a);
		bad += bufs[i] < 0;
		again += bufs[i] >= 0 && frame_of(bufs[i]) == frame;
	}
	for (int i = 0; i < TRIES; i++)
		close(bufs[i]);
	t_ok(!bad && !again, "%s: broken, and not given out again", name);
	pool_off();
}

static void test_failing_memory(void)
{
	struct group g;

	if (access(BREAK, W_OK)) {
		t_skip("memory that breaks: needs CONFIG_HWPOISON_INJECT");
		return;
	}
	group_begin(&g, "memory that breaks");
	test_broken(USED, "used");
	test_broken(ZEROED, "zeroed");
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

int main(int argc, char *argv[])
{
	t_begin();
	if (!pool_keeps())
		return t_end();
	heap = open_heap("system");
	test_limit();
	test_zeroes(argc > 1 ? atoi(argv[1]) : BUFFERS);
	stay_on_cpu();
	test_zeroed_before();
	test_shrinker();
	test_failure();
	test_faults();
	test_failing_memory();
	close(heap);
	return t_end();
}
