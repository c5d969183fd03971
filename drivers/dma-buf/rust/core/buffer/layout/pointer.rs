// SPDX-License-Identifier: GPL-2.0

//! Pointers as they are in C, with what is known about them.

use crate::errno::passed;
use core::{
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    interop::export::{
        AsC,
        Wrapper, //
    },
    prelude::*, //
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

impl<T> From<&'static mut T> for Kept<T> {
    #[inline(always)]
    fn from(object: &'static mut T) -> Self {
        // INVARIANT: It is there for ever, unless who has this frees it.
        Self(object.into())
    }
}

/// What an importer keeps until it detaches its device.
///
/// # Invariants
///
/// As that says.
pub(in crate::buffer) struct Lasting<'a, T>(&'a T);

impl<'a, T> Lasting<'a, T> {
    #[inline(always)]
    pub(in crate::buffer) fn get(&self) -> &'a T {
        self.0
    }

    /// For the attachment.
    #[inline(always)]
    pub(super) fn keep(self) -> Kept<T> {
        // INVARIANT: By the type invariant.
        Kept(self.0.into())
    }
}

/// What an importer keeps until it detaches its device; or NULL, which it should not pass.
#[repr(transparent)]
pub(in crate::buffer) struct MaybeLasting<'a, T>(Option<&'a T>);

/// As the type says.
// SAFETY: Transparent. A reference is a pointer, here to what is as good as a `T` by `Wrapper`, and
// for NULL there is `None`.
unsafe impl<T: Wrapper> AsC for MaybeLasting<'_, T> {
    type C = *mut T::C;
}

impl<'a, T> MaybeLasting<'a, T> {
    /// NULL is `EINVAL` and a warning.
    #[inline(always)]
    pub(in crate::buffer) fn check(self) -> Result<Lasting<'a, T>> {
        // INVARIANT: As the type says.
        passed(self.0).map(Lasting)
    }
}
