// SPDX-License-Identifier: GPL-2.0

#include <linux/bitops.h>
#include <linux/cpuset.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/page_ref.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/topology.h>
#include <linux/vmstat.h>

__rust_helper int rust_helper_page_pool_nodes(void)
{
	return nr_node_ids;
}

/*
 * The node whose pages this task may be given without being asked, the nearest.
 * Negative if that is for the page allocator to find out: the task has a policy.
 */
__rust_helper int rust_helper_page_pool_node(void)
{
	int node = numa_mem_id();

#ifdef CONFIG_NUMA
	if (current->mempolicy || !node_isset(node, cpuset_current_mems_allowed))
		return NUMA_NO_NODE;
#endif
	return node;
}

/* Whether the page allocator does something to pages that are freed. */
__rust_helper bool rust_helper_freed_pages_are_written(void)
{
	return want_init_on_free() || page_poisoning_enabled_static();
}

__rust_helper int rust_helper_page_ref_count(const struct page *page)
{
	return page_ref_count(page);
}

/* What /proc/meminfo has as memory that the kernel gives back when it is short. */
__rust_helper void rust_helper_page_reclaimable(struct page *page, long pages)
{
	mod_node_page_state(page_pgdat(page), NR_KERNEL_MISC_RECLAIMABLE, pages);
}

/* Who is short of memory has got some, if it is this task. */
__rust_helper void rust_helper_pages_were_reclaimed(unsigned long pages)
{
	mm_account_reclaimed_pages(pages);
}

__rust_helper void rust_helper_let_others_run(void)
{
	cond_resched();
}

__rust_helper bool rust_helper_page_is_hwpoison(const struct page *page)
{
	return PageHWPoison(page);
}

/* Whether there may be any such page: a single load where there is none. */
__rust_helper bool rust_helper_memory_has_failed(void)
{
#ifdef CONFIG_MEMORY_FAILURE
	return atomic_long_read(&num_poisoned_pages);
#else
	return false;
#endif
}

/* What an architecture remembers of the caches goes when a page is freed. */
__rust_helper void rust_helper_page_forget_caches(struct page *page)
{
	clear_bit(PG_arch_1, &page->flags.f);
}

#if IS_ENABLED(CONFIG_DMABUF_RUST_KUNIT_TEST)
__rust_helper void rust_helper_get_page(struct page *page)
{
	get_page(page);
}

__rust_helper void rust_helper_put_page(struct page *page)
{
	put_page(page);
}
#endif
