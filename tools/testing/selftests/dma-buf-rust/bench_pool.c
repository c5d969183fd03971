// SPDX-License-Identifier: GPL-2.0
/*
 * What the pool of the system heap saves, and what its zeroing costs, on a kernel
 * that has one. On others the same without it, to compare with.
 */
#include <unistd.h>

#include "bench.h"
#include "common.h"
#include "pool.h"

#define LIMIT	"64"
#define WARM	4
#define ROUNDS	32
/* So many times as many are tried. */
#define PATIENCE	10

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

/*
 * One round: what it has cost, or 0 if its pages were not those that it is about. late: what the
 * one before has left is not zeroed yet.
 */
static __u64 one(size_t len, bool late)
{
	long hits, lates, misses;
	__u64 start, cost;

	rest();
	hits = pool_stat("hits");
	lates = pool_stat("late");
	misses = pool_stat("misses");
	if (late)
		alloc_and_close(len);
	start = now_ns();
	alloc_and_close(len);
	cost = now_ns() - start;
	if (!has_pool)
		return cost;
	hits = pool_stat("hits") - hits;
	lates = pool_stat("late") - lates;
	misses = pool_stat("misses") - misses;
	return hits > 0 && lates == (late ? hits : 0) && !misses ? cost : 0;
}

static void report(const char *name, size_t len, bool late)
{
	__u64 cost, sum = 0;
	int rounds = 0;

	for (int i = 0; i < WARM + PATIENCE * ROUNDS && rounds < ROUNDS; i++) {
		cost = one(len, late);
		if (i < WARM || !cost)
			continue;
		sum += cost;
		rounds++;
	}
	t_need(rounds == ROUNDS, late ? "pages that are not zeroed" : "pages that are zeroed");
	printf("BENCH %s %.2f\n", name, (double)sum / ROUNDS);
}

void report_pool(void)
{
	has_pool = write_file(POOL "limit_mib", LIMIT);
	report("pool-4k", 4096, false);
	report("pool-1m", MEGABYTE, false);
	report("pool-16m", 16 * MEGABYTE, false);
	report("pool-late-16m", 16 * MEGABYTE, true);
}
