// SPDX-License-Identifier: GPL-2.0

//! Memory that is had before it is needed.

use crate::{
    alloc::Flags,
    prelude::*, //
};
use core::mem::MaybeUninit;

/// Memory for a `T`, with nothing in it yet.
pub(super) struct Memory<T>(KBox<MaybeUninit<T>>);

// SAFETY: There is no `T` that could be tied to a thread.
unsafe impl<T> Send for Memory<T> {}

// SAFETY: As above.
unsafe impl<T> Sync for Memory<T> {}

impl<T> Memory<T> {
    /// Fails with `ENOMEM`. May sleep if `flags` allow it.
    #[inline]
    pub(super) fn new(flags: Flags) -> Result<Self> {
        Ok(Self(KBox::new_uninit(flags)?))
    }

    #[inline]
    pub(super) fn into_inner(self) -> KBox<MaybeUninit<T>> {
        self.0
    }

    #[inline]
    pub(super) fn write(self, value: T) -> KBox<T> {
        KBox::write(self.0, value)
    }
}
