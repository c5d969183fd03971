// SPDX-License-Identifier: GPL-2.0

//! Copies of what user space has sent.

use crate::{
    bindings,
    error::from_err_ptr,
    prelude::*,
    uaccess::UserPtr, //
};
use core::{
    ops::Deref,
    ptr::NonNull,
    slice, //
};

/// Values that were copied from user space, in memory that is kept apart from the kernel's own
/// objects where the allocator can do that (`CONFIG_SLAB_BUCKETS`).
///
/// # Examples
///
/// ```
/// use kernel::{dma_buf::UserVec, prelude::*, uaccess::UserPtr};
///
/// fn sum(list: UserPtr, count: usize) -> Result<u64> {
///     let list = UserVec::<u32>::copy(list, count)?;
///
///     Ok(list.iter().map(|&item| u64::from(item)).sum())
/// }
/// ```
///
/// # Invariants
///
/// `first` starts `len` initialised values, in memory that `kfree()` frees and this object owns; or
/// `len` is zero, and it dangles.
pub struct UserVec<T: FromBytes> {
    first: NonNull<T>,
    len: usize,
}

// SAFETY: The values are owned.
unsafe impl<T: FromBytes + Send> Send for UserVec<T> {}

// SAFETY: Nothing but the values can be reached through a shared reference.
unsafe impl<T: FromBytes + Sync> Sync for UserVec<T> {}

impl<T: FromBytes> UserVec<T> {
    /// Copies `len` values. Fails with `EFAULT`, and with `ENOMEM` without a word in the log.
    /// Sleeps.
    #[inline]
    pub fn copy(from: UserPtr, len: usize) -> Result<Self> {
        const { assert!(align_of::<T>() <= align_of::<u64>()) };

        let size = len.checked_mul(size_of::<T>()).ok_or(ENOMEM)?;
        if size == 0 {
            // INVARIANT: There is none.
            return Ok(Self {
                first: NonNull::dangling(),
                len: 0,
            });
        }
        // SAFETY: Copes with any pointer and any size.
        let memory =
            from_err_ptr(unsafe { bindings::memdup_user(from.as_const_ptr().cast(), size) })?;

        // INVARIANT: Ours, aligned, and any bytes are values.
        Ok(Self {
            first: NonNull::new(memory.cast()).ok_or(ENOMEM)?,
            len,
        })
    }
}

impl<T: FromBytes> Deref for UserVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: By the type invariant.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl<T: FromBytes> Drop for UserVec<T> {
    #[inline]
    fn drop(&mut self) {
        if self.len != 0 {
            // SAFETY: By the type invariant. Values that any bytes are own nothing to be dropped.
            unsafe { bindings::kfree(self.first.as_ptr().cast()) };
        }
    }
}
