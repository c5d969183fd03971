// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of
//! [`include/trace/events/dma_fence.h`](srctree/include/trace/events/dma_fence.h).
//!
//! `dma_fence_emit` is for drivers. Those that read the issuer's names must be inside RCU, or in
//! front of the fence's signal.

use super::layout::lock::{
    Locked,
    Unfinished, //
};
use crate::layout::listened_to;
use kernel::{
    dma_buf::Fence,
    sync::rcu, //
};

kernel::trace_events! {
    // SAFETY: Each takes a fence, whose names RCU keeps, or that it is not detached from them.
    unsafe {
        /// A new fence, which has its operations.
        pub(super) fn dma_fence_init(fence: &Fence);

        /// The fence may be without references.
        pub(super) fn dma_fence_destroy(fence: &Fence; _rcu: &rcu::Guard);

        /// The fence is locked, and not signalled.
        pub(super) fn dma_fence_enable_signal(fence: &Fence; _locked: &Locked<'_>);

        /// The fence is not detached yet.
        pub(super) fn dma_fence_signaled(fence: &Fence; _unfinished: &Unfinished<'_, '_>);

        fn dma_fence_wait_start(fence: &Fence; _rcu: &rcu::Guard);

        fn dma_fence_wait_end(fence: &Fence; _rcu: &rcu::Guard);
    }
}

/// Whether somebody wants to know of [`wait_start`].
#[inline(always)]
pub(super) fn wait_is_listened_to() -> bool {
    listened_to::dma_fence_wait_start()
}

/// Somebody begins to wait. Any context, without the fence's lock.
#[inline(always)]
pub(super) fn wait_start(fence: &Fence) {
    in_rcu(|rcu| dma_fence_wait_start(fence, rcu));
}

/// Somebody has waited. Any context.
#[inline(always)]
pub(super) fn wait_end(fence: &Fence) {
    if listened_to::dma_fence_wait_end() {
        in_rcu(|rcu| dma_fence_wait_end(fence, rcu));
    }
}

/// RCU is for those who listen.
#[cold]
fn in_rcu(hit: impl FnOnce(&rcu::Guard)) {
    hit(&rcu::read_lock());
}
