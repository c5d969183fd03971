// SPDX-License-Identifier: GPL-2.0

/* Where the tracepoints of pools are: Rust calls them, and this is all the C there is. */
#define CREATE_TRACE_POINTS
#include <trace/events/dma_heap_pool.h>

#ifdef CONFIG_TRACEPOINTS
/* Rust hits them, which the search for unused ones does not see. */
TRACEPOINT_CHECK(dma_heap_pool_get)
TRACEPOINT_CHECK(dma_heap_pool_put)
TRACEPOINT_CHECK(dma_heap_pool_zero)
TRACEPOINT_CHECK(dma_heap_pool_shrink)
#endif
