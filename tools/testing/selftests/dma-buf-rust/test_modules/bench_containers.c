// SPDX-License-Identifier: GPL-2.0
/*
 * Fences of fences: arrays, chains, and what takes them apart.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "bench_calls.h"

static unsigned int size;
static u64 context;

static struct dma_fence_array *array_of(unsigned int first, unsigned int n)
{
	struct dma_fence **fences = kmalloc_objs(*fences, n);
	struct dma_fence_array *array;

	need(fences);
	if (!fences)
		return NULL;
	for (unsigned int i = 0; i < n; i++)
		fences[i] = dma_fence_get(bench_fences[first + i]);
	array = dma_fence_array_create(n, fences, context, 1);
	need(array);
	return array;
}

static void use_fences(unsigned int n)
{
	size = n;
	context = dma_fence_context_alloc(1);
	bench_make_fences(n);
}

static void array_put(void)
{
	struct dma_fence_array *array = array_of(0, size);

	need(array && array->num_fences == size);
	dma_fence_put(&array->base);
}

static struct dma_fence_array *used_array;

static void use_array(void)
{
	bench_make_fences(size);
	used_array = array_of(0, size);
}

static void drop_array(void)
{
	need(dma_fence_is_signaled(&used_array->base));
	dma_fence_put(&used_array->base);
	bench_put_fences();
}

static void use_size(unsigned int n)
{
	size = n;
	context = dma_fence_context_alloc(1);
}

static void array_signal(void)
{
	dma_fence_enable_signaling(&used_array->base);
	need(!dma_fence_is_signaled(&used_array->base));
	bench_signal_fences();
}

/* The chain in use */
static struct dma_fence *head;
static u64 seqno;

static void chain_link(void)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();

	need(chain);
	if (!chain)
		return;
	dma_fence_chain_init(chain, head, dma_fence_get(bench_fences[0]), ++seqno);
	head = &chain->base;
}

static void chain_build(void)
{
	for (unsigned int i = 0; i < size; i++)
		chain_link();
}

static void chain_release(void)
{
	dma_fence_put(head);
	head = NULL;
	seqno = 0;
}

static void chain_walk(void)
{
	struct dma_fence *fence;
	unsigned int n = 0;

	dma_fence_chain_for_each(fence, head)
		n++;
	need(n == size);
}

static void chain_find(void)
{
	struct dma_fence *fence = dma_fence_get(head);

	need(!dma_fence_chain_find_seqno(&fence, 1) && fence->seqno == 1);
	dma_fence_put(fence);
}

static void use_one_fence(unsigned int n)
{
	size = n;
	bench_make_fences(1);
}

static void use_chain(unsigned int n)
{
	use_one_fence(n);
	chain_build();
}

static void drop_chain(void)
{
	chain_release();
	bench_put_fences();
}

/* Each link is waited for, and they all contain the same fence. */
static void use_waited(void)
{
	bench_make_fences(1);
	for (unsigned int i = 0; i < size; i++) {
		chain_link();
		dma_fence_enable_signaling(head);
	}
}

static void chain_signal(void)
{
	bench_signal_fences();
	while (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &head->flags))
		cpu_relax();
}

static void nothing(void)
{
}

static struct dma_fence *halves[2];

static void use_halves(unsigned int n)
{
	use_fences(n);
	if (n == 2) {
		halves[0] = dma_fence_get(bench_fences[0]);
		halves[1] = dma_fence_get(bench_fences[1]);
		return;
	}
	for (int i = 0; i < 2; i++)
		halves[i] = &array_of(i * n / 2, n / 2)->base;
}

static void drop_halves(void)
{
	dma_fence_put(halves[0]);
	dma_fence_put(halves[1]);
	bench_put_fences();
}

static void unwrap_merge(void)
{
	struct dma_fence *merged = dma_fence_unwrap_merge(halves[0], halves[1]);

	need(merged && dma_fence_is_array(merged));
	need(to_dma_fence_array(merged)->num_fences == size);
	dma_fence_put(merged);
}

static void unwrap_count(void)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int n = 0;

	dma_fence_unwrap_for_each(fence, &cursor, halves[0])
		n++;
	need(n == size / 2);
}

const struct bench_op bench_container_ops[] = {
	{ "array-64", 64, array_put, use_fences, bench_put_fences },
	{ "array-signal-64", 64, array_signal, use_size, NULL, use_array, drop_array },
	{ "chain-build-1000", 1000, chain_build, use_one_fence, bench_put_fences,
	  nothing, chain_release },
	{ "chain-release-1000", 1000, chain_release, use_one_fence, bench_put_fences,
	  chain_build, nothing },
	{ "chain-walk-1000", 1000, chain_walk, use_chain, drop_chain },
	{ "chain-find-1000", 1000, chain_find, use_chain, drop_chain },
	{ "chain-signal-1000", 1000, chain_signal, use_size, NULL, use_waited, drop_chain },
	{ "unwrap-merge-2", 2, unwrap_merge, use_halves, drop_halves },
	{ "unwrap-merge-16", 16, unwrap_merge, use_halves, drop_halves },
	{ "unwrap-each-64", 128, unwrap_count, use_halves, drop_halves },
	{ }
};
