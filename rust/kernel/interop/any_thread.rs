// SPDX-License-Identifier: GPL-2.0

//! Pointers to what is not tied to a thread.

use core::ptr::NonNull;

/// A pointer to an object of C's that is not tied to a thread: pages, attachments, tables, heaps.
///
/// It is only a pointer. Who follows it says why that may be done, by any thread that may have it.
/// A structure that has such pointers, and no others, is [`Send`] and [`Sync`] by itself.
#[repr(transparent)]
pub struct AnyThread<T>(NonNull<T>);

// SAFETY: A pointer does nothing by itself. Who follows it takes into account that others may have
// it, too.
unsafe impl<T> Send for AnyThread<T> {}

// SAFETY: As above.
unsafe impl<T> Sync for AnyThread<T> {}

impl<T> AnyThread<T> {
    /// The pointer, for any thread.
    #[inline(always)]
    pub const fn new(ptr: NonNull<T>) -> Self {
        Self(ptr)
    }

    /// The pointer.
    #[inline(always)]
    pub const fn get(self) -> NonNull<T> {
        self.0
    }

    /// The pointer, for C.
    #[inline(always)]
    pub const fn as_ptr(self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Clone for AnyThread<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for AnyThread<T> {}
