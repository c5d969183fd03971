// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of
//! [`include/trace/events/dma_heap_pool.h`](srctree/include/trace/events/dma_heap_pool.h).

crate::trace_events! {
    // SAFETY: They take nothing but numbers.
    unsafe {
        /// A block was wanted: there was one, zeroed or not, or there was none.
        pub(super) fn dma_heap_pool_get(order: u32, found: bool, zeroed: bool);
        /// A buffer has given pages back.
        pub(super) fn dma_heap_pool_put(kept: usize, refused: usize);
        /// Pages were zeroed in the background.
        pub(super) fn dma_heap_pool_zero(pages: usize);
        /// The shrinker has taken pages away.
        pub(super) fn dma_heap_pool_shrink(pages: usize);
    }
}
