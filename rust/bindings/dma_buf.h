/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the DMA-BUF abstractions and the Rust implementation of DMA-BUF need
 * from bindgen beyond bindings_helper.h, which includes this file.
 */

#include <drm/drm_dumb_buffers.h>
#include <drm/drm_syncobj.h>
#include <linux/anon_inodes.h>
#include <linux/cc_platform.h>
#include <linux/cma.h>
#include <linux/dma-buf.h>
#include <linux/dma-buf-mapping.h>
#include <linux/dma-direct.h>
#include <linux/dma-fence.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-heap-owned.h>
#include <linux/dma-map-ops.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/iosys-map.h>
#include <linux/irq_work.h>
#include <linux/kmemleak.h>
#include <linux/memfd.h>
#include <linux/mmu_notifier.h>
#include <linux/mount.h>
#include <linux/notifier.h>
#include <linux/pci-p2pdma.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/set_memory.h>
#include <linux/shrinker.h>
#include <linux/sort.h>
#include <linux/sync_file.h>
#include <linux/vmalloc.h>
#include <trace/events/dma_buf.h>
#include <trace/events/dma_fence.h>
#ifdef CONFIG_DMABUF_HEAPS_POOL
#include <trace/events/dma_heap_pool.h>
#endif
#include <uapi/linux/dma-buf.h>
#include <uapi/linux/dma-heap.h>
#include <uapi/linux/magic.h>
#include <uapi/linux/sync_file.h>
#include <uapi/linux/udmabuf.h>

#include "../../drivers/dma-buf/sync_trace.h"
#undef TRACE_INCLUDE_PATH

const __poll_t RUST_CONST_HELPER_EPOLLIN = EPOLLIN;
const __poll_t RUST_CONST_HELPER_EPOLLOUT = EPOLLOUT;
const gfp_t RUST_CONST_HELPER_GFP_HIGHUSER = GFP_HIGHUSER;
const gfp_t RUST_CONST_HELPER___GFP_ACCOUNT = __GFP_ACCOUNT;
const gfp_t RUST_CONST_HELPER___GFP_COMP = __GFP_COMP;
const gfp_t RUST_CONST_HELPER___GFP_NORETRY = __GFP_NORETRY;
const gfp_t RUST_CONST_HELPER___GFP_RECLAIM = __GFP_RECLAIM;
const unsigned int RUST_CONST_HELPER_SHRINKER_NUMA_AWARE = SHRINKER_NUMA_AWARE;
#ifdef CONFIG_CMA
const unsigned int RUST_CONST_HELPER_CMA_ALIGNMENT = CONFIG_CMA_ALIGNMENT;
#endif
