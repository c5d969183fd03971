// SPDX-License-Identifier: GPL-2.0

//! Memory for what C frees, or what is freed by RCU: objects that are reference counted in C's way.
//!
//! `KBox` and `KVec` allocate through `krealloc()`, which costs more than the small objects here
//! that every submission of work needs one of.

use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

fn allocate(size: usize, flags: bindings::gfp_t) -> Result<NonNull<u8>> {
    // SAFETY: May be called with any size.
    NonNull::new(unsafe { bindings::kmalloc(size, flags) })
        .map(NonNull::cast)
        .ok_or(ENOMEM)
}

/// Allocates `size` bytes, which are to be freed with `kfree()` or `kfree_rcu()`. Fails with
/// `ENOMEM`. Sleeps.
pub(crate) fn uninit(size: usize) -> Result<NonNull<u8>> {
    allocate(size, bindings::GFP_KERNEL)
}

/// As [`uninit`], but does not sleep.
pub(crate) fn uninit_nowait(size: usize) -> Result<NonNull<u8>> {
    allocate(size, bindings::GFP_NOWAIT | bindings::__GFP_NOWARN)
}

/// As [`uninit`], but the bytes are zero.
pub(crate) fn zeroed(size: usize) -> Result<NonNull<u8>> {
    allocate(size, bindings::GFP_KERNEL | bindings::__GFP_ZERO)
}
