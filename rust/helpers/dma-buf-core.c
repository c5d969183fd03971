// SPDX-License-Identifier: GPL-2.0

/* For the Rust implementation of DMA-BUF only: what is inline in C. */

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/dma-fence.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/ww_mutex.h>

__rust_helper void rust_helper_dma_fence_assert_held(struct dma_fence *fence)
{
	dma_fence_assert_held(fence);
}

__rust_helper void rust_helper_warn_fence_released(const char *driver, const char *timeline,
						   u64 context, u64 seqno)
{
	WARN(1, "Fence %s:%s:%llx:%llx released with pending signals!\n",
	     driver, timeline, context, seqno);
}

__rust_helper bool rust_helper_test_and_set_bit(unsigned long nr, unsigned long *addr)
{
	return test_and_set_bit(nr, addr);
}

__rust_helper void *rust_helper_kmalloc(size_t size, gfp_t flags)
{
	return kmalloc(size, flags);
}

__rust_helper void rust_helper_list_del_init(struct list_head *entry)
{
	list_del_init(entry);
}

__rust_helper void rust_helper_init_irq_work(struct irq_work *work,
					     void (*func)(struct irq_work *work))
{
	init_irq_work(work, func);
}

__rust_helper void rust_helper___set_current_state(unsigned int state)
{
	__set_current_state(state);
}

__rust_helper void rust_helper_set_current_state(unsigned int state)
{
	set_current_state(state);
}

/* The lock class of fences that take other fences' locks while their own is held. */
__rust_helper void rust_helper_spin_lock_set_class(spinlock_t *lock, struct lock_class_key *key,
						   const char *name)
{
	lockdep_set_class_and_name(lock, key, name);
}

__rust_helper void rust_helper_ww_mutex_init(struct ww_mutex *lock, struct ww_class *ww_class)
{
	ww_mutex_init(lock, ww_class);
}

__rust_helper void rust_helper_ww_mutex_destroy(struct ww_mutex *lock)
{
	ww_mutex_destroy(lock);
}

#ifdef CONFIG_LOCKDEP
__rust_helper int rust_helper_preempt_count(void)
{
	return preempt_count();
}
#endif
