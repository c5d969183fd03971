// SPDX-License-Identifier: GPL-2.0

//! The tracepoint of [`drivers/dma-buf/sync_trace.h`](srctree/drivers/dma-buf/sync_trace.h).

use crate::timeline::Timeline;

mod events {
    use kernel::{
        bindings,
        tracepoint::declare_trace, //
    };

    declare_trace! {
        /// # Safety
        ///
        /// `timeline` must be valid, and have a name and a value.
        pub(super) unsafe fn sync_timeline(timeline: *mut bindings::sync_timeline);
    }
}

/// `timeline` is about to advance.
pub(crate) fn advance(timeline: &Timeline) {
    // SAFETY: A timeline has both.
    unsafe { events::sync_timeline(timeline.as_raw()) };
}
