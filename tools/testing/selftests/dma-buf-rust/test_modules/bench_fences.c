// SPDX-License-Identifier: GPL-2.0
/*
 * Fences as drivers make them, wait for them and signal them.
 */
#include <linux/dma-fence.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "bench_calls.h"

struct dma_fence *bench_fences[BENCH_MAX];
static unsigned int made;
static DEFINE_SPINLOCK(lock);

static const char *name(struct dma_fence *fence)
{
	return "bench";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = name,
	.get_timeline_name = name,
};

struct dma_fence *bench_new_fence(u64 context, u64 seqno)
{
	struct dma_fence *fence = kzalloc_obj(*fence);

	need(fence);
	if (fence)
		dma_fence_init(fence, &fence_ops, &lock, context, seqno);
	return fence;
}

void bench_make_fences(unsigned int n)
{
	u64 context = dma_fence_context_alloc(n ?: 1);

	for (made = 0; made < n; made++)
		bench_fences[made] = bench_new_fence(context + made, 1);
}

void bench_signal_fences(void)
{
	for (unsigned int i = 0; i < made; i++)
		dma_fence_signal(bench_fences[i]);
}

void bench_put_fences(void)
{
	bench_signal_fences();
	while (made)
		dma_fence_put(bench_fences[--made]);
}

static void make_signalled(unsigned int n)
{
	bench_make_fences(n);
	bench_signal_fences();
}

/* All but the last are pending. */
static void make_last_signalled(unsigned int n)
{
	bench_make_fences(n);
	dma_fence_signal(bench_fences[n - 1]);
}

static u64 next_seqno;

static void init_put(void)
{
	dma_fence_put(bench_new_fence(1, ++next_seqno));
}

static void init_signal_put(void)
{
	struct dma_fence *fence = bench_new_fence(1, ++next_seqno);

	dma_fence_signal(fence);
	dma_fence_put(fence);
}

#define MAX_CALLBACKS	64

static struct dma_fence_cb callbacks[MAX_CALLBACKS];
static unsigned int wanted, called;

static void use_callbacks(unsigned int n)
{
	wanted = min(n, MAX_CALLBACKS);
}

static void count(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	called++;
}

static void call_back(void)
{
	struct dma_fence *fence = bench_new_fence(1, ++next_seqno);

	called = 0;
	for (unsigned int i = 0; i < wanted; i++)
		need(!dma_fence_add_callback(fence, &callbacks[i], count));
	dma_fence_signal(fence);
	need(called == wanted);
	dma_fence_put(fence);
}

static void add_remove(void)
{
	need(!dma_fence_add_callback(bench_fences[0], &callbacks[0], count));
	need(dma_fence_remove_callback(bench_fences[0], &callbacks[0]));
}

static void add_late(void)
{
	need(dma_fence_add_callback(bench_fences[0], &callbacks[0], count) == -ENOENT);
}

static void is_signaled(void)
{
	need(!dma_fence_is_signaled(bench_fences[0]));
}

static void status(void)
{
	need(dma_fence_get_status(bench_fences[0]) == 1);
}

static void wait_signalled(void)
{
	need(dma_fence_wait(bench_fences[0], false) >= 0);
}

static void wait_in_vain(void)
{
	need(!dma_fence_wait_timeout(bench_fences[0], false, 0));
}

static void wait_any(void)
{
	u32 index = 0;

	need(dma_fence_wait_any_timeout(bench_fences, made, false, 1, &index) > 0);
	need(index == made - 1);
}

const struct bench_op bench_fence_ops[] = {
	{ "fence-init", 0, init_put },
	{ "fence-signal", 0, init_signal_put },
	{ "fence-callback", 1, call_back, use_callbacks },
	{ "fence-callback-64", 64, call_back, use_callbacks },
	{ "fence-remove", 1, add_remove, bench_make_fences, bench_put_fences },
	{ "fence-add-late", 1, add_late, make_signalled, bench_put_fences },
	{ "fence-is-signaled", 1, is_signaled, bench_make_fences, bench_put_fences },
	{ "fence-status", 1, status, make_signalled, bench_put_fences },
	{ "fence-wait", 1, wait_signalled, make_signalled, bench_put_fences },
	{ "fence-wait-0", 1, wait_in_vain, bench_make_fences, bench_put_fences },
	{ "fence-wait-any-64", 64, wait_any, make_last_signalled, bench_put_fences },
	{ }
};
