// SPDX-License-Identifier: GPL-2.0

/* Where the tracepoints of pools are: Rust calls them, and this is all the C there is. */
#define CREATE_TRACE_POINTS
#include <trace/events/dma_heap_pool.h>
