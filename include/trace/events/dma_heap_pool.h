/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the pools of pages behind DMA-BUF heaps
 * (CONFIG_DMABUF_HEAPS_POOL).
 */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_heap_pool

#if !defined(_TRACE_DMA_HEAP_POOL_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMA_HEAP_POOL_H

#include <linux/tracepoint.h>

/* A block was wanted: there was one, zeroed or not, or there was none. */
TRACE_EVENT(dma_heap_pool_get,

	TP_PROTO(unsigned int order, bool found, bool zeroed),

	TP_ARGS(order, found, zeroed),

	TP_STRUCT__entry(
		__field(unsigned int, order)
		__field(bool, found)
		__field(bool, zeroed)
	),

	TP_fast_assign(
		__entry->order = order;
		__entry->found = found;
		__entry->zeroed = zeroed;
	),

	TP_printk("order=%u found=%d zeroed=%d",
		  __entry->order, __entry->found, __entry->zeroed)
);

/* A buffer has given pages back. Of these some may not have been kept. */
TRACE_EVENT(dma_heap_pool_put,

	TP_PROTO(unsigned long kept, unsigned long refused),

	TP_ARGS(kept, refused),

	TP_STRUCT__entry(
		__field(unsigned long, kept)
		__field(unsigned long, refused)
	),

	TP_fast_assign(
		__entry->kept = kept;
		__entry->refused = refused;
	),

	TP_printk("kept=%lu refused=%lu", __entry->kept, __entry->refused)
);

DECLARE_EVENT_CLASS(dma_heap_pool_pages,

	TP_PROTO(unsigned long pages),

	TP_ARGS(pages),

	TP_STRUCT__entry(
		__field(unsigned long, pages)
	),

	TP_fast_assign(
		__entry->pages = pages;
	),

	TP_printk("pages=%lu", __entry->pages)
);

/* So many pages were zeroed in the background, before others got the processor. */
DEFINE_EVENT(dma_heap_pool_pages, dma_heap_pool_zero,

	TP_PROTO(unsigned long pages),

	TP_ARGS(pages)
);

/* The shrinker has taken so many pages away. */
DEFINE_EVENT(dma_heap_pool_pages, dma_heap_pool_shrink,

	TP_PROTO(unsigned long pages),

	TP_ARGS(pages)
);

#endif /* _TRACE_DMA_HEAP_POOL_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
