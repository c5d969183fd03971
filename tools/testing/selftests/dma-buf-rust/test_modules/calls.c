// SPDX-License-Identifier: GPL-2.0
/*
 * Exported functions that C drivers call, and no other test does. The outcome is
 * in the module's parameters, for c_view.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "checks.h"

static DEFINE_SPINLOCK(lock);
static int released;

static const char *name(struct dma_fence *fence)
{
	return "calls";
}

static void release(struct dma_fence *fence)
{
	released++;
	dma_fence_free(fence);
}

static const struct dma_fence_ops ops = {
	.get_driver_name = name,
	.get_timeline_name = name,
	.release = release,
};

static struct dma_fence *new_fence(u64 context, u64 seqno)
{
	struct dma_fence *fence = kzalloc_obj(*fence);

	if (fence)
		dma_fence_init(fence, &ops, &lock, context, seqno);
	return fence;
}

static void end_fence(struct dma_fence *fence)
{
	if (!fence)
		return;
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void signalled_by_one(void)
{
	struct dma_fence *fence = new_fence(1, 1), *timed = new_fence(1, 2);
	ktime_t then = ktime_sub_us(ktime_get(), 5);
	unsigned long flags;

	check(fence && timed);
	if (fence && timed) {
		dma_fence_lock_irqsave(fence, flags);
		check(!dma_fence_check_and_signal_locked(fence));
		check(dma_fence_check_and_signal_locked(fence));
		dma_fence_unlock_irqrestore(fence, flags);
		check(dma_fence_get_status(fence) == 1);

		dma_fence_signal_timestamp(timed, then);
		check(dma_fence_is_signaled(timed));
		check(dma_fence_timestamp(timed) == then);
		/* what has been signalled is not signalled again */
		dma_fence_signal_timestamp(timed, ktime_get());
		check(dma_fence_timestamp(timed) == then);
	}
	end_fence(fence);
	end_fence(timed);
}

static void signalled_in_a_section(void)
{
	struct dma_fence *fence = new_fence(1, 1);
	bool section = dma_fence_begin_signalling();
	bool nested = dma_fence_begin_signalling();

	/* one that lies in another is told so */
	check(nested);
	dma_fence_end_signalling(nested);
	check(fence);
	if (fence)
		dma_fence_signal(fence);
	dma_fence_end_signalling(section);
	end_fence(fence);
}

static void waited_for(void)
{
	struct dma_fence *fence = new_fence(1, 1);
	unsigned long before = jiffies;

	check(fence);
	if (!fence)
		return;
	check(!dma_fence_default_wait(fence, false, 0));
	check(!dma_fence_default_wait(fence, true, 2));
	check(time_after_eq(jiffies, before + 2));
	dma_fence_signal(fence);
	check(dma_fence_default_wait(fence, false, 7) == 7);
	check(dma_fence_default_wait(fence, true, 0) == 1);
	dma_fence_put(fence);
}

static void freed(void)
{
	struct dma_fence *fence = new_fence(1, 1);
	int before = released;

	check(fence);
	if (!fence)
		return;
	dma_fence_get(fence);
	end_fence(fence);
	check(released == before);
	dma_fence_put(fence);
	check(released == before + 1);
}

static void deduplicated(void)
{
	struct dma_fence *older = new_fence(5, 1), *newer = new_fence(5, 2);
	struct dma_fence *other = new_fence(3, 9);

	check(older && newer && other);
	if (older && newer && other) {
		struct dma_fence *list[] = {
			dma_fence_get(older), dma_fence_get(newer), dma_fence_get(other),
			dma_fence_get(newer),
		};
		size_t n = dma_fence_dedup_array(list, ARRAY_SIZE(list));

		check(n == 2);
		check((list[0] == newer && list[1] == other) ||
		      (list[0] == other && list[1] == newer));
		/* what is left out has given its reference back */
		check(kref_read(&older->refcount) == 1);
		check(kref_read(&newer->refcount) == 2);
		check(dma_fence_dedup_array(list, 1) == 1 && kref_read(&list[0]->refcount) == 2);
		dma_fence_put(newer);
		dma_fence_put(other);
	}
	end_fence(older);
	end_fence(newer);
	end_fence(other);
}

static void looked_at(struct dma_fence *array, struct dma_fence *a, struct dma_fence *b)
{
	struct dma_fence *fence;
	unsigned int i, seen = 0;

	check(dma_fence_array_first(array) == a);
	check(dma_fence_array_next(array, 1) == b);
	check(!dma_fence_array_next(array, 2));
	dma_fence_array_for_each(fence, i, array)
		seen++;
	check(seen == 2);

	/* what is no array is one fence */
	check(dma_fence_array_first(a) == a && !dma_fence_array_next(a, 0));
	check(!dma_fence_array_first(NULL));

	check(dma_fence_match_context(a, 5) && !dma_fence_match_context(a, 6));
	check(dma_fence_match_context(array, 5));
	check(!dma_fence_match_context(array, array->context));
}

static void made_in_two_steps(void)
{
	struct dma_fence_array *array = dma_fence_array_alloc(2);
	struct dma_fence **fences = kmalloc_array(2, sizeof(*fences), GFP_KERNEL);
	struct dma_fence *a = new_fence(5, 1), *b = new_fence(5, 2);

	check(array && fences && a && b);
	if (array && fences && a && b) {
		fences[0] = dma_fence_get(a);
		fences[1] = dma_fence_get(b);
		dma_fence_array_init(array, 2, fences, dma_fence_context_alloc(1), 4);
		check(dma_fence_is_array(&array->base) && array->base.seqno == 4);
		looked_at(&array->base, a, b);

		dma_fence_signal(a);
		check(!dma_fence_is_signaled(&array->base));
		dma_fence_signal(b);
		check(dma_fence_wait_timeout(&array->base, false, 10 * HZ) > 0);
		/* with its list, and the references in it */
		dma_fence_put(&array->base);
	} else {
		kfree(array);
		kfree(fences);
	}
	end_fence(a);
	end_fence(b);
}

static int __init calls_init(void)
{
	signalled_by_one();
	signalled_in_a_section();
	waited_for();
	freed();
	deduplicated();
	made_in_two_steps();
	return 0;
}
module_init(calls_init);

static void __exit calls_exit(void)
{
}
module_exit(calls_exit);

MODULE_DESCRIPTION("Calls of DMA-BUF that C drivers make");
MODULE_LICENSE("GPL");
