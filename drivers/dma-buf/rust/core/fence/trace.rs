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
use kernel::{
    dma_buf::Fence,
    sync::rcu, //
};

kernel::trace_events! {
    /// A new fence, which has its operations.
    pub(super) fn dma_fence_init(fence: &Fence);

    /// The fence may be without references.
    pub(super) fn dma_fence_destroy(fence: &Fence; _rcu: &rcu::Guard);

    /// The fence is locked, and not signalled.
    pub(super) fn dma_fence_enable_signal(fence: &Fence; _locked: &Locked<'_>);

    /// The fence is not detached yet.
    pub(super) fn dma_fence_signaled(fence: &Fence; _unfinished: &Unfinished<'_, '_>);

    pub(super) fn dma_fence_wait_start(fence: &Fence; _rcu: &rcu::Guard);

    pub(super) fn dma_fence_wait_end(fence: &Fence; _rcu: &rcu::Guard);
}
