// SPDX-License-Identifier: GPL-2.0

//! The tracepoint of [`drivers/dma-buf/sync_trace.h`](srctree/drivers/dma-buf/sync_trace.h).

use crate::layout::counter::Counter;

kernel::trace_events! {
    // SAFETY: It takes a timeline, which begins with what a `Counter` is.
    unsafe {
        /// The timeline is about to advance.
        pub(crate) fn sync_timeline(timeline: &Counter);
    }
}
