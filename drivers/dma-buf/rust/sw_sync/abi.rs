// SPDX-License-Identifier: GPL-2.0

//! What we call in C.

use kernel::{
    bindings,
    dma_buf::Fence,
    interop::export::AsC,
    prelude::*,
    sync::Refcount, //
};

/// Why the kernel is not what it was.
#[repr(u32)]
pub(crate) enum Taint {
    SoftLockup = bindings::TAINT_SOFTLOCKUP,
}

/// Whether lockdep can be believed afterwards.
#[repr(u32)]
pub(crate) enum Lockdep {
    StillOk = bindings::lockdep_ok_LOCKDEP_STILL_OK,
}

// SAFETY: A number of C's.
unsafe impl AsC for Taint {
    type C = c_uint;
}

// SAFETY: A number of C's.
unsafe impl AsC for Lockdep {
    type C = bindings::lockdep_ok;
}

kernel::c_functions! {
    // SAFETY: Any number of contexts may be asked for, anybody may taint the kernel, a count may be
    // raised unless it is zero, and a fence that is alive may be signalled.
    unsafe extern "C" {
        pub(crate) safe fn add_taint(flag: Taint, lockdep: Lockdep);
        pub(crate) safe fn dma_fence_context_alloc(num: c_uint) -> u64;

        /// For the issuer of the fence. Does nothing if it was signalled before.
        pub(crate) safe fn dma_fence_signal(fence: &Fence);

        #[link_name = "rust_helper_refcount_inc_not_zero"]
        pub(crate) safe fn refcount_inc_not_zero(count: &Refcount) -> bool;
    }
}
