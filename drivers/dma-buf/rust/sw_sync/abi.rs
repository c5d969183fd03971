// SPDX-License-Identifier: GPL-2.0

//! What we call in C, and what C calls.

use kernel::{
    bindings,
    dma_buf::Fence,
    prelude::*,
    sync::Refcount, //
};

mod state;

/// Marks the kernel as one that was locked up for a while. Lockdep can be believed all the same.
#[inline]
pub(crate) fn taint_by_lockup() {
    // SAFETY: Anybody may taint the kernel.
    unsafe {
        bindings::add_taint(
            bindings::TAINT_SOFTLOCKUP,
            bindings::lockdep_ok_LOCKDEP_STILL_OK,
        )
    };
}

kernel::c_functions! {
    // SAFETY: Any number of contexts may be asked for, a count may be raised unless it is zero, and
    // a fence that is alive may be signalled.
    unsafe extern "C" {
        pub(crate) safe fn dma_fence_context_alloc(num: c_uint) -> u64;

        /// For the issuer of the fence. Does nothing if it was signalled before.
        pub(crate) safe fn dma_fence_signal(fence: &Fence);

        #[link_name = "rust_helper_refcount_inc_not_zero"]
        pub(crate) safe fn refcount_inc_not_zero(count: &Refcount) -> bool;
    }
}
