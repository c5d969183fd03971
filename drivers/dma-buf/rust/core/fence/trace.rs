// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of
//! [`include/trace/events/dma_fence.h`](srctree/include/trace/events/dma_fence.h).
//!
//! `dma_fence_emit` is for drivers. Those that read the issuer's names must be inside RCU, or in
//! front of the fence's signal.

use kernel::{
    bindings,
    dma_buf::Fence,
    sync::rcu,
    tracepoint::declare_trace, //
};

mod events {
    use super::*;

    declare_trace! {
        /// # Safety
        ///
        /// `fence` must be initialised and not signalled.
        pub(super) unsafe fn dma_fence_init(fence: *mut bindings::dma_fence);

        /// # Safety
        ///
        /// RCU must be held; `fence` may be without references.
        pub(super) unsafe fn dma_fence_destroy(fence: *mut bindings::dma_fence);

        /// # Safety
        ///
        /// `fence` must be locked and not signalled.
        pub(super) unsafe fn dma_fence_enable_signal(fence: *mut bindings::dma_fence);

        /// # Safety
        ///
        /// `fence` must be locked and not be detached.
        pub(super) unsafe fn dma_fence_signaled(fence: *mut bindings::dma_fence);

        /// # Safety
        ///
        /// RCU must be held.
        pub(super) unsafe fn dma_fence_wait_start(fence: *mut bindings::dma_fence);

        /// # Safety
        ///
        /// RCU must be held.
        pub(super) unsafe fn dma_fence_wait_end(fence: *mut bindings::dma_fence);
    }
}

/// `fence` must not be signalled.
pub(super) fn init(fence: &Fence) {
    // SAFETY: A `Fence` is initialised; a new one has its operations.
    unsafe { events::dma_fence_init(fence.as_raw()) };
}

/// # Safety
///
/// `fence` must be a fence, possibly one without references.
pub(super) unsafe fn destroy(fence: *mut bindings::dma_fence, _rcu: &rcu::Guard) {
    // SAFETY: By the caller's guarantee.
    unsafe { events::dma_fence_destroy(fence) };
}

/// `fence` must be locked and not be signalled.
pub(super) fn enable_signal(fence: &Fence) {
    // SAFETY: The only caller holds the lock.
    unsafe { events::dma_fence_enable_signal(fence.as_raw()) };
}

/// `fence` must be locked and not be detached.
pub(super) fn signaled(fence: &Fence) {
    // SAFETY: The only caller holds the lock.
    unsafe { events::dma_fence_signaled(fence.as_raw()) };
}

pub(super) fn wait_start(fence: &Fence, _rcu: &rcu::Guard) {
    // SAFETY: RCU is held.
    unsafe { events::dma_fence_wait_start(fence.as_raw()) };
}

pub(super) fn wait_end(fence: &Fence, _rcu: &rcu::Guard) {
    // SAFETY: RCU is held.
    unsafe { events::dma_fence_wait_end(fence.as_raw()) };
}
