// SPDX-License-Identifier: GPL-2.0
/*
 * What drivers do with fences that the C core does not survive, or not as it should: it
 * stops the machine, or -EFAULT (a fence that is used was released) or -ETIME (a signal that
 * came in time was missed). With ours it is harmless, and 0. For the test program misuse.
 */
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/poll.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sync_file.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

#include "failing.h"

static const struct dma_fence_ops no_ops;

static int call_no_names(void)
{
	struct dma_fence *fence = failing_fence(&no_ops, &failing_lock);

	if (!fence)
		return -ENOMEM;
	dma_fence_signal(fence);
	dma_fence_put(fence);
	return 0;
}

/* Released before its signal, while a callback takes a reference */
struct forgotten {
	struct dma_fence base;
	struct dma_fence_cb cb;
	bool is_released;
};

static void release_forgotten(struct dma_fence *fence)
{
	container_of(fence, struct forgotten, base)->is_released = true;
}

static const struct dma_fence_ops forgotten_ops = {
	.get_driver_name = failing_fence_name,
	.get_timeline_name = failing_fence_name,
	.release = release_forgotten,
};

static void keep_fence(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	dma_fence_get(fence);
}

static int call_fence_forgotten(void)
{
	struct forgotten *it = kzalloc_obj(*it);
	int ret;

	if (!it)
		return -ENOMEM;
	dma_fence_init(&it->base, &forgotten_ops, &failing_lock, dma_fence_context_alloc(1), 1);
	ret = dma_fence_add_callback(&it->base, &it->cb, keep_fence);
	dma_fence_put(&it->base);
	if (it->is_released) {
		ret = -EFAULT;
	} else {
		/* the callback's */
		dma_fence_put(&it->base);
		if (!it->is_released)
			ret = -EBUSY;
	}
	synchronize_rcu();
	kfree(it);
	return ret;
}

/*
 * A sync_file that was polled is closed after the signal, when its driver has freed the lock as
 * it may, a grace period later. Whoever takes the lock touches what is not mapped.
 */
static int call_lock_gone(void)
{
	spinlock_t *own = vmalloc(PAGE_SIZE);
	struct dma_fence *fence = NULL;
	struct sync_file *file = NULL;
	poll_table table;

	if (own) {
		spin_lock_init(own);
		fence = failing_fence(&failing_fence_ops, own);
	}
	if (fence)
		file = sync_file_create(fence);
	if (file) {
		init_poll_funcptr(&table, NULL);
		vfs_poll(file->file, &table);
	}
	if (fence) {
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	synchronize_rcu();
	vfree(own);
	vm_unmap_aliases();
	if (!file)
		return -ENOMEM;
	__fput_sync(file->file);
	return 0;
}

/* In jiffies: the signal, the end of the wait, and when who waits gets to run */
#define SIGNAL	3
#define WAIT	10
#define LATE	20
/* The host may let a CPU stand still. */
#define TRIES	20

/* Signals, and then keeps the CPU */
struct busy {
	struct timer_list timer;
	struct dma_fence *fence;
};

static void signal_and_stay(struct timer_list *timer)
{
	struct busy *busy = timer_container_of(busy, timer, timer);

	dma_fence_signal(busy->fence);
	mdelay(jiffies_to_msecs(LATE));
}

/* -EAGAIN: it was not late, or the timer was later */
static int try_late(signed long (*wait)(struct dma_fence *fence))
{
	struct busy busy = { .fence = failing_fence(&failing_fence_ops, &failing_lock) };
	bool is_late, is_signaled;
	unsigned long end;
	signed long left;

	if (!busy.fence)
		return -ENOMEM;
	/* who is woken has to wait for this CPU */
	migrate_disable();
	timer_setup_on_stack(&busy.timer, signal_and_stay, TIMER_PINNED);
	mod_timer(&busy.timer, jiffies + SIGNAL);
	end = jiffies + WAIT;
	left = wait(busy.fence);
	is_late = time_after_eq(jiffies, end);
	is_signaled = dma_fence_test_signaled_flag(busy.fence);
	timer_delete_sync(&busy.timer);
	timer_destroy_on_stack(&busy.timer);
	migrate_enable();
	dma_fence_signal(busy.fence);
	dma_fence_put(busy.fence);
	if (left < 0)
		return left;
	if (!is_late || !is_signaled)
		return -EAGAIN;
	return left ? 0 : -ETIME;
}

static int wait_late(signed long (*wait)(struct dma_fence *fence))
{
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES && ret == -EAGAIN; i++)
		ret = try_late(wait);
	return ret;
}

static signed long wait_for_one(struct dma_fence *fence)
{
	return dma_fence_wait_timeout(fence, false, WAIT);
}

static signed long wait_for_any(struct dma_fence *fence)
{
	return dma_fence_wait_any_timeout(&fence, 1, false, WAIT, NULL);
}

static int call_late_wait(void)
{
	return wait_late(wait_for_one);
}

static int call_late_wait_any(void)
{
	return wait_late(wait_for_any);
}

const struct failing_call failing_misuse_fences[] = {
	{ "no_names", call_no_names },
	{ "fence_forgotten", call_fence_forgotten },
	{ "lock_gone", call_lock_gone },
	{ "late_wait", call_late_wait },
	{ "late_wait_any", call_late_wait_any },
	{ }
};
