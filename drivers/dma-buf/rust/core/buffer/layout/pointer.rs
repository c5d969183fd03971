// SPDX-License-Identifier: GPL-2.0

//! Pointers as they are in C, with what is known about them.

use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// A pointer to what stays at least as long as the structure that the pointer is in.
///
/// # Invariants
///
/// As that says.
#[repr(transparent)]
pub(in crate::buffer) struct Kept<T>(NonNull<T>);

impl<T> Kept<T> {
    /// # Safety
    ///
    /// `ptr` must be valid for as long as the structure that the result is for.
    #[inline(always)]
    pub(super) unsafe fn new(ptr: NonNull<T>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self(ptr)
    }

    #[inline(always)]
    pub(super) fn as_non_null(&self) -> NonNull<T> {
        self.0
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariant.
        unsafe { self.0.as_ref() }
    }
}
