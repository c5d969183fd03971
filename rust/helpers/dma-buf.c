// SPDX-License-Identifier: GPL-2.0

#include <linux/cma.h>
#include <linux/cpumask.h>
#include <linux/dma-buf.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/kref.h>
#include <linux/memcontrol.h>
#include <linux/memfd.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pci-p2pdma.h>
#include <linux/printk.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/set_memory.h>
#include <linux/smp.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "dma-buf-core.c"
#ifdef CONFIG_DMABUF_HEAPS_POOL
#include "dma-buf-pool.c"
#endif
#include "drm-syncobj.c"

/*
 * dma-resv.c refers to the symbols of DMA-BUF. When these are in a module, the
 * module holds those helpers, unless each Rust object has its own.
 */
#if IS_BUILTIN(CONFIG_DMABUF_CORE) || \
	(IS_MODULE(CONFIG_DMABUF_CORE) && \
	 (defined(CONFIG_RUST_INLINE_HELPERS) || defined(__BINDGEN__)))
#define RUST_HELPERS_DMA_RESV
#endif

#ifdef CONFIG_TRACEPOINTS
/* Not traced themselves. */
__rust_helper notrace bool rust_helper_this_cpu_is_online(void)
{
	return cpu_online(raw_smp_processor_id());
}

__rust_helper notrace struct srcu_ctr __percpu *
rust_helper_srcu_read_lock_fast_notrace(struct srcu_struct *ssp)
{
	return srcu_read_lock_fast_notrace(ssp);
}

__rust_helper notrace void
rust_helper_srcu_read_unlock_fast_notrace(struct srcu_struct *ssp, struct srcu_ctr __percpu *scp)
{
	srcu_read_unlock_fast_notrace(ssp, scp);
}
#endif

__rust_helper bool rust_helper_file_ref_get(file_ref_t *ref)
{
	return file_ref_get(ref);
}

__rust_helper long rust_helper_file_count(struct file *file)
{
	return file_count(file);
}

__rust_helper void rust_helper_list_add(struct list_head *new, struct list_head *head)
{
	list_add(new, head);
}

__rust_helper void rust_helper_list_del(struct list_head *entry)
{
	list_del(entry);
}

__rust_helper int rust_helper_dma_resv_lock_interruptible(struct dma_resv *obj,
							  struct ww_acquire_ctx *ctx)
{
	return dma_resv_lock_interruptible(obj, ctx);
}

__rust_helper void rust_helper_dma_resv_lock_slow(struct dma_resv *obj,
						  struct ww_acquire_ctx *ctx)
{
	dma_resv_lock_slow(obj, ctx);
}

__rust_helper int rust_helper_dma_resv_lock_slow_interruptible(struct dma_resv *obj,
							       struct ww_acquire_ctx *ctx)
{
	return dma_resv_lock_slow_interruptible(obj, ctx);
}

__rust_helper bool rust_helper_dma_resv_trylock(struct dma_resv *obj)
{
	return dma_resv_trylock(obj);
}

__rust_helper bool rust_helper_dma_resv_trylock_ctx(struct dma_resv *obj,
						    struct ww_acquire_ctx *ctx)
{
	return ww_mutex_trylock(&obj->lock, ctx);
}

/* Whether this task has the object locked, in whatever way. */
__rust_helper bool rust_helper_dma_resv_is_ours(struct dma_resv *obj)
{
	unsigned long owner;

#ifdef CONFIG_PREEMPT_RT
	owner = (unsigned long)READ_ONCE(obj->lock.base.rtmutex.owner);
#else
	owner = atomic_long_read(&obj->lock.base.owner);
#endif
	/* The lowest bits are flags. */
	return (owner & ~7UL) == (unsigned long)current;
}

__rust_helper void rust_helper_ww_acquire_init(struct ww_acquire_ctx *ctx,
					       struct ww_class *ww_class)
{
	ww_acquire_init(ctx, ww_class);
}

__rust_helper void rust_helper_ww_acquire_done(struct ww_acquire_ctx *ctx)
{
	ww_acquire_done(ctx);
}

__rust_helper void rust_helper_ww_acquire_fini(struct ww_acquire_ctx *ctx)
{
	ww_acquire_fini(ctx);
}

__rust_helper void rust_helper_kref_put(struct kref *kref, void (*release)(struct kref *kref))
{
	kref_put(kref, release);
}

__rust_helper unsigned long rust_helper_dma_fence_lock_irqsave(struct dma_fence *fence)
{
	unsigned long flags;

	dma_fence_lock_irqsave(fence, flags);
	return flags;
}

__rust_helper void rust_helper_dma_fence_unlock_irqrestore(struct dma_fence *fence,
							   unsigned long flags)
{
	dma_fence_unlock_irqrestore(fence, flags);
}

#ifndef CONFIG_MODULE_UNLOAD
__rust_helper bool rust_helper_try_module_get(struct module *module)
{
	return try_module_get(module);
}

__rust_helper void rust_helper_module_put(struct module *module)
{
	module_put(module);
}
#endif

__rust_helper void rust_helper_dma_resv_assert_held(struct dma_resv *obj)
{
	dma_resv_assert_held(obj);
}

__rust_helper void rust_helper_dma_resv_assert_not_held(struct dma_resv *obj)
{
	lockdep_assert_not_held(&obj->lock.base);
}

__rust_helper void rust_helper_dma_resv_might_lock(struct dma_resv *obj)
{
	might_lock(&obj->lock.base);
}

__rust_helper void rust_helper_sg_set_page(struct scatterlist *sg, struct page *page,
					   unsigned int len, unsigned int offset)
{
	sg_set_page(sg, page, len, offset);
}

__rust_helper void rust_helper_sg_set_dma(struct scatterlist *sg, dma_addr_t addr,
					  unsigned int len)
{
	sg_dma_address(sg) = addr;
	sg_dma_len(sg) = len;
}

__rust_helper int rust_helper_dma_mapping_error(struct device *dev, dma_addr_t addr)
{
	return dma_mapping_error(dev, addr);
}

__rust_helper dma_addr_t
rust_helper_pci_p2pdma_bus_addr_map(struct p2pdma_provider *provider, phys_addr_t paddr)
{
	return pci_p2pdma_bus_addr_map(provider, paddr);
}

#ifndef CONFIG_PCI_P2PDMA
__rust_helper enum pci_p2pdma_map_type
rust_helper_pci_p2pdma_map_type(struct p2pdma_provider *provider, struct device *dev)
{
	return pci_p2pdma_map_type(provider, dev);
}

__rust_helper int rust_helper_pcim_p2pdma_init(struct pci_dev *pdev)
{
	return pcim_p2pdma_init(pdev);
}

__rust_helper struct p2pdma_provider *rust_helper_pcim_p2pdma_provider(struct pci_dev *pdev,
								       int bar)
{
	return pcim_p2pdma_provider(pdev, bar);
}
#endif

#ifndef CONFIG_IOMMU_DMA
__rust_helper bool rust_helper_dma_iova_try_alloc(struct device *dev,
						  struct dma_iova_state *state,
						  phys_addr_t phys, size_t size)
{
	return dma_iova_try_alloc(dev, state, phys, size);
}

__rust_helper int rust_helper_dma_iova_link(struct device *dev, struct dma_iova_state *state,
					    phys_addr_t phys, size_t offset, size_t size,
					    enum dma_data_direction dir, unsigned long attrs)
{
	return dma_iova_link(dev, state, phys, offset, size, dir, attrs);
}

__rust_helper int rust_helper_dma_iova_sync(struct device *dev, struct dma_iova_state *state,
					    size_t offset, size_t size)
{
	return dma_iova_sync(dev, state, offset, size);
}

__rust_helper void rust_helper_dma_iova_destroy(struct device *dev,
						struct dma_iova_state *state, size_t mapped_len,
						enum dma_data_direction dir, unsigned long attrs)
{
	dma_iova_destroy(dev, state, mapped_len, dir, attrs);
}
#endif

__rust_helper void rust_helper_dma_sync_sgtable_for_cpu(struct device *dev,
							struct sg_table *sgt,
							enum dma_data_direction dir)
{
	dma_sync_sgtable_for_cpu(dev, sgt, dir);
}

__rust_helper void rust_helper_dma_sync_sgtable_for_device(struct device *dev,
							   struct sg_table *sgt,
							   enum dma_data_direction dir)
{
	dma_sync_sgtable_for_device(dev, sgt, dir);
}

__rust_helper bool rust_helper_dev_is_dma_coherent(struct device *dev)
{
	return dev_is_dma_coherent(dev);
}

/*
 * Takes one entry out of the CPU's caches: writes it back, and forgets it. A bounce
 * buffer has no caches, and would be copied. For a device that has neither an IOMMU
 * nor operations of its own.
 */
__rust_helper void rust_helper_sg_flush(struct device *dev, struct scatterlist *sg,
					enum dma_data_direction dir)
{
	if (dma_to_phys(dev, sg_dma_address(sg)) != sg_phys(sg))
		return;
	dma_sync_single_for_device(dev, sg_dma_address(sg), sg_dma_len(sg), dir);
	dma_sync_single_for_cpu(dev, sg_dma_address(sg), sg_dma_len(sg), dir);
}

__rust_helper void rust_helper_invalidate_kernel_vmap_range(void *vaddr, int size)
{
	invalidate_kernel_vmap_range(vaddr, size);
}

__rust_helper void rust_helper_flush_kernel_vmap_range(void *vaddr, int size)
{
	flush_kernel_vmap_range(vaddr, size);
}

__rust_helper void *rust_helper_vmap_kernel(struct page **pages, unsigned int count,
					    bool decrypted)
{
	return vmap(pages, count, VM_MAP,
		    decrypted ? pgprot_decrypted(PAGE_KERNEL) : PAGE_KERNEL);
}

/*
 * Where processors do not do it themselves, the first write to each page would be a fault that
 * marks its entry as dirty. Nobody looks at the mark of entries like these: it is there.
 */
static inline pgprot_t pages_prot(const struct vm_area_struct *vma, bool decrypted)
{
	pgprot_t prot = vma->vm_page_prot;

	if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED)) {
#if defined(CONFIG_ARM64)
		prot = pte_pgprot(pte_mkdirty(pfn_pte(0, prot)));
#elif defined(CONFIG_ARM)
		prot = __pgprot(pgprot_val(prot) | L_PTE_DIRTY);
#endif
	}
	return decrypted ? pgprot_decrypted(prot) : prot;
}

__rust_helper int rust_helper_remap_pages(struct vm_area_struct *vma,
					  unsigned long addr, struct page *first,
					  unsigned long size, bool decrypted)
{
	return remap_pfn_range(vma, addr, page_to_pfn(first), size,
			       pages_prot(vma, decrypted));
}

__rust_helper vm_fault_t rust_helper_vmf_insert_page_pfn(struct vm_area_struct *vma,
							 unsigned long addr,
							 struct page *page, bool decrypted)
{
	return vmf_insert_pfn_prot(vma, addr, page_to_pfn(page), pages_prot(vma, decrypted));
}

__rust_helper void rust_helper_inode_lock_shared(struct inode *inode)
{
	inode_lock_shared(inode);
}

__rust_helper void rust_helper_inode_unlock_shared(struct inode *inode)
{
	inode_unlock_shared(inode);
}

#ifndef CONFIG_MEMFD_CREATE
__rust_helper int rust_helper_memfd_get_seals(struct file *file)
{
	return memfd_get_seals(file);
}
#endif

__rust_helper unsigned long rust_helper_folio_nr_pages(const struct folio *folio)
{
	return folio_nr_pages(folio);
}

__rust_helper int rust_helper_folio_ref_count(const struct folio *folio)
{
	return folio_ref_count(folio);
}

__rust_helper bool rust_helper_folio_test_uptodate(const struct folio *folio)
{
	return folio_test_uptodate(folio);
}

/* What the file has not filled yet is zero, for whoever looks first. */
__rust_helper void rust_helper_folio_fill(struct folio *folio)
{
	folio_lock(folio);
	if (!folio_test_uptodate(folio)) {
		folio_zero_range(folio, 0, folio_size(folio));
		flush_dcache_folio(folio);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
}

__rust_helper unsigned long rust_helper_page_to_pfn(const struct page *page)
{
	return page_to_pfn(page);
}

__rust_helper unsigned int rust_helper_compound_order(struct page *page)
{
	return compound_order(page);
}

__rust_helper unsigned long rust_helper_page_private(struct page *page)
{
	return page_private(page);
}

__rust_helper void rust_helper_set_page_private(struct page *page, unsigned long value)
{
	set_page_private(page, value);
}

__rust_helper bool rust_helper_page_is_highmem(const struct page *page)
{
	return PageHighMem(page);
}

__rust_helper void rust_helper_clear_highpage(struct page *page)
{
	clear_highpage(page);
}

__rust_helper void *rust_helper_page_address(const struct page *page)
{
	return page_address(page);
}

__rust_helper void rust_helper_warn_page_not_shared(const void *addr)
{
	pr_warn_ratelimited("dma-buf: failed to decrypt page at %p\n", addr);
}

__rust_helper void rust_helper_warn_page_stays_shared(const void *addr)
{
	pr_warn_ratelimited("dma-buf: failed to re-encrypt page at %p, leaking memory\n", addr);
}

__rust_helper int rust_helper_memcg_kmem_charge_page(struct page *page, gfp_t gfp, int order)
{
	return memcg_kmem_charge_page(page, gfp, order);
}

__rust_helper void rust_helper_memcg_kmem_uncharge_page(struct page *page, int order)
{
	memcg_kmem_uncharge_page(page, order);
}

__rust_helper void rust_helper_clear_pages(void *addr, unsigned int npages)
{
	clear_pages(addr, npages);
}

/* bindgen gets the offsets of struct task_struct's members wrong on 32-bit ARM. */
__rust_helper struct mm_struct *rust_helper_current_mm(void)
{
	return current->mm;
}

__rust_helper int rust_helper_fatal_signal_pending(struct task_struct *task)
{
	return fatal_signal_pending(task);
}

__rust_helper void rust_helper_get_task_comm(char *buf, size_t size, struct task_struct *task)
{
	strscpy(buf, task->comm, size);
}

__rust_helper bool rust_helper_refcount_inc_not_zero(refcount_t *r)
{
	return refcount_inc_not_zero(r);
}

__rust_helper bool rust_helper_refcount_inc_not_zero_acquire(refcount_t *r)
{
	return refcount_inc_not_zero_acquire(r);
}

__rust_helper int rust_helper_dma_coerce_mask_and_coherent(struct device *dev, u64 mask)
{
	return dma_coerce_mask_and_coherent(dev, mask);
}

__rust_helper const struct dma_map_ops *rust_helper_get_dma_ops(struct device *dev)
{
	return get_dma_ops(dev);
}

__rust_helper phys_addr_t rust_helper_dma_to_phys(struct device *dev, dma_addr_t addr)
{
	return dma_to_phys(dev, addr);
}

__rust_helper bool rust_helper_use_dma_iommu(struct device *dev)
{
	return use_dma_iommu(dev);
}

#ifndef CONFIG_IOMMU_API
__rust_helper struct iommu_domain *rust_helper_iommu_get_domain_for_dev(struct device *dev)
{
	return iommu_get_domain_for_dev(dev);
}

__rust_helper phys_addr_t rust_helper_iommu_iova_to_phys(struct iommu_domain *domain,
							 dma_addr_t iova)
{
	return iommu_iova_to_phys(domain, iova);
}
#endif

/*
 * The page at this address, if it is among memory, or in a gap of it. Takes no
 * lock, as the tree of resources does: for interrupts, too.
 */
__rust_helper struct page *rust_helper_phys_to_online_page(phys_addr_t addr)
{
	return pfn_to_online_page(PHYS_PFN(addr));
}
