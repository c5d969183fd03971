// SPDX-License-Identifier: GPL-2.0
/*
 * What the pool of the system heap saves, and what its zeroing costs, on a kernel
 * that has one. On others the same without it, to compare with.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "common.h"
#include "pool.h"

#define LIMIT	"64"
#define WARM	4
#define ROUNDS	32
/* So many times as many are tried. */
#define PATIENCE	10

/* Where the pages of an allocation come from */
enum from {
	OFF,	/* The page allocator: the pool keeps nothing. */
	EMPTY,	/* The page allocator: there is nothing in the pool. */
	ZEROED,	/* The pool, which has zeroed them before */
	LATE,	/* The pool, which zeroes them then */
};

static bool has_pool;

static void alloc_and_close(size_t len)
{
	done(alloc_fd(heap, len), "alloc");
}

/* All that the pool holds is zeroed. That is not measured here. */
static void rest(void)
{
	t_need(!has_pool || pool_stat_becomes("used", 0), "the pool is zeroed");
}

static void get_ready(size_t len, enum from from)
{
	if (!has_pool)
		return;
	if (from == OFF || from == EMPTY)
		t_need(pool_off(), "nothing is in the pool");
	if (from != OFF)
		t_need(write_file(POOL "limit_mib", LIMIT), "the limit");
	rest();
	if (from == LATE)
		alloc_and_close(len);
}

/* Of what the pool has counted, what should have been counted */
static long expected(enum from from, long hits, long lates, long misses)
{
	switch (from) {
	case EMPTY:
		return misses ?: -1;
	case ZEROED:
		return hits ?: -1;
	case LATE:
		return lates ?: -1;
	default:
		return 0;
	}
}

/* One round: what it has cost, or 0 if its pages were not from there. */
static __u64 one(size_t len, enum from from)
{
	long hits, lates, misses;
	__u64 start, cost;

	get_ready(len, from);
	hits = pool_stat("hits");
	lates = pool_stat("late");
	misses = pool_stat("misses");
	start = now_ns();
	alloc_and_close(len);
	cost = now_ns() - start;
	if (!has_pool)
		return cost;
	hits = pool_stat("hits") - hits;
	lates = pool_stat("late") - lates;
	misses = pool_stat("misses") - misses;
	/* From nowhere else */
	return hits + lates + misses == expected(from, hits, lates, misses) ? cost : 0;
}

static void report(const char *name, size_t len, enum from from)
{
	__u64 cost, sum = 0;
	int rounds = 0;

	for (int i = 0; i < WARM + PATIENCE * ROUNDS && rounds < ROUNDS; i++) {
		cost = one(len, from);
		if (i < WARM || !cost)
			continue;
		sum += cost;
		rounds++;
	}
	t_need(rounds == ROUNDS, name);
	printf("BENCH %s %.2f\n", name, (double)sum / ROUNDS);
}

/* What the kernel's threads that work for any queue have taken so far */
static __u64 workers_ns(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	__u64 sum = 0;

	t_need(dir, "/proc");
	while ((entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);
		char path[64], name[32];
		struct timespec time;
		clockid_t clock;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if (!pid || !read_file(path, name, sizeof(name)) ||
		    strncmp(name, "kworker/u", 9))
			continue;
		if (!clock_getcpuclockid(pid, &clock) && !clock_gettime(clock, &time))
			sum += time.tv_sec * 1000000000ULL + time.tv_nsec;
	}
	closedir(dir);
	return sum;
}

/* What comes on top of an allocation that has found zeroed pages, when nobody waits for it */
static void report_zeroing(const char *name, size_t len)
{
	__u64 sum = 0;

	for (int i = 0; has_pool && i < ROUNDS; i++) {
		get_ready(len, ZEROED);
		sum -= workers_ns();
		alloc_and_close(len);
		rest();
		sum += workers_ns();
	}
	printf("BENCH %s %.2f\n", name, (double)sum / ROUNDS);
}

/* A buffer that is there: all of it is mapped, touched and unmapped. */
static void report_mmap(const char *name, size_t len)
{
	int buf = alloc_fd(heap, len);
	__u64 start, sum = 0;

	t_need(buf >= 0, "alloc");
	for (int i = -WARM; i < ROUNDS; i++) {
		start = now_ns();
		touch(buf, len);
		if (i >= 0)
			sum += now_ns() - start;
	}
	close(buf);
	printf("BENCH %s %.2f\n", name, (double)sum / ROUNDS);
}

void report_pool(void)
{
	static const struct {
		const char *name;
		size_t len;
		enum from from;
	} rows[] = {
		{ "pool-off-4k", 4096, OFF },
		{ "pool-off-1m", MEGABYTE, OFF },
		{ "pool-off-16m", 16 * MEGABYTE, OFF },
		{ "pool-cold-4k", 4096, EMPTY },
		{ "pool-cold-1m", MEGABYTE, EMPTY },
		{ "pool-cold-16m", 16 * MEGABYTE, EMPTY },
		{ "pool-4k", 4096, ZEROED },
		{ "pool-1m", MEGABYTE, ZEROED },
		{ "pool-16m", 16 * MEGABYTE, ZEROED },
		{ "pool-late-16m", 16 * MEGABYTE, LATE },
	};

	has_pool = write_file(POOL "limit_mib", LIMIT);
	/* What the first of all take is not the pool's, nor what RCU frees for them. */
	for (int i = 0; i < 16 * ROUNDS; i++)
		alloc_and_close(4096);
	nap_ms(6000);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		report(rows[i].name, rows[i].len, rows[i].from);
	report_zeroing("pool-zeroing-16m", 16 * MEGABYTE);
	report_mmap("pool-mmap-16m", 16 * MEGABYTE);
}
