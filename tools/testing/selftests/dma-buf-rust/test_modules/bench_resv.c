// SPDX-License-Identifier: GPL-2.0
/*
 * Reservation objects.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "bench_calls.h"

static struct dma_resv resv;
static unsigned int size;

/* As drivers do, one after the other */
static void add(struct dma_fence *fence)
{
	need(!dma_resv_reserve_fences(&resv, 1));
	dma_resv_add_fence(&resv, fence, DMA_RESV_USAGE_READ);
}

static void add_all(unsigned int n)
{
	size = n;
	bench_make_fences(n);
	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	for (unsigned int i = 0; i < n; i++)
		add(bench_fences[i]);
	dma_resv_unlock(&resv);
}

static void add_all_signalled(unsigned int n)
{
	add_all(n);
	bench_signal_fences();
}

static void drop_all(void)
{
	dma_resv_fini(&resv);
	bench_put_fences();
}

static void lock_unlock(void)
{
	need(!dma_resv_lock(&resv, NULL));
	dma_resv_unlock(&resv);
}

/* The one that is found last comes again. */
static void replace(void)
{
	dma_resv_lock(&resv, NULL);
	add(bench_fences[size - 1]);
	dma_resv_unlock(&resv);
}

static void make_fences(unsigned int n)
{
	size = n;
	bench_make_fences(n);
}

static void grow(void)
{
	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	for (unsigned int i = 0; i < size; i++)
		add(bench_fences[i]);
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
}

static void iterate(void)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int n = 0;

	dma_resv_iter_begin(&cursor, &resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		n++;
	dma_resv_iter_end(&cursor);
	need(n == size);
}

static void iterate_locked(void)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int n = 0;

	dma_resv_lock(&resv, NULL);
	dma_resv_for_each_fence(&cursor, &resv, DMA_RESV_USAGE_BOOKKEEP, fence)
		n++;
	dma_resv_unlock(&resv);
	need(n == size);
}

static void singleton(void)
{
	struct dma_fence *fence = NULL;

	need(!dma_resv_get_singleton(&resv, DMA_RESV_USAGE_BOOKKEEP, &fence) && fence);
	dma_fence_put(fence);
}

static void get_fences(void)
{
	struct dma_fence **fences;
	unsigned int n;

	need(!dma_resv_get_fences(&resv, DMA_RESV_USAGE_BOOKKEEP, &n, &fences) && n == size);
	while (n)
		dma_fence_put(fences[--n]);
	kfree(fences);
}

static void test(void)
{
	need(dma_resv_test_signaled(&resv, DMA_RESV_USAGE_BOOKKEEP));
}

static void test_pending(void)
{
	need(!dma_resv_test_signaled(&resv, DMA_RESV_USAGE_BOOKKEEP));
}

static void wait(void)
{
	need(dma_resv_wait_timeout(&resv, DMA_RESV_USAGE_BOOKKEEP, false, 10) > 0);
}

const struct bench_op bench_resv_ops[] = {
	{ "resv-lock", 0, lock_unlock, add_all, drop_all },
	{ "resv-replace", 1, replace, add_all, drop_all },
	{ "resv-replace-16", 16, replace, add_all, drop_all },
	{ "resv-grow-64", 64, grow, make_fences, bench_put_fences },
	{ "resv-iterate-1", 1, iterate, add_all, drop_all },
	{ "resv-iterate-16", 16, iterate, add_all, drop_all },
	{ "resv-iterate-64", 64, iterate, add_all, drop_all },
	{ "resv-locked-1", 1, iterate_locked, add_all, drop_all },
	{ "resv-locked-16", 16, iterate_locked, add_all, drop_all },
	{ "resv-locked-64", 64, iterate_locked, add_all, drop_all },
	{ "resv-singleton-1", 1, singleton, add_all, drop_all },
	{ "resv-singleton-16", 16, singleton, add_all, drop_all },
	{ "resv-get-16", 16, get_fences, add_all, drop_all },
	{ "resv-test-16", 16, test, add_all_signalled, drop_all },
	{ "resv-test-pending", 1, test_pending, add_all, drop_all },
	{ "resv-wait-0", 0, wait, add_all, drop_all },
	{ "resv-wait-16", 16, wait, add_all_signalled, drop_all },
	{ }
};
