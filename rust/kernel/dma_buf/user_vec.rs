// SPDX-License-Identifier: GPL-2.0

//! Copies of what user space has sent.

use crate::{
    bindings,
    error::from_err_ptr,
    prelude::*,
    uaccess::UserPtr, //
};
use core::ops::Deref;

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
pub struct UserVec<T: FromBytes>(KVec<T>);

impl<T: FromBytes> UserVec<T> {
    /// Copies `len` values. Fails with `EFAULT`, and with `ENOMEM` without a word in the log.
    /// Sleeps.
    #[inline]
    pub fn copy(from: UserPtr, len: usize) -> Result<Self> {
        const { assert!(align_of::<T>() <= align_of::<u64>()) };

        let size = len.checked_mul(size_of::<T>()).ok_or(ENOMEM)?;
        if size == 0 {
            return Ok(Self(KVec::new()));
        }

        // SAFETY: Copes with any pointer and any size. What is no error is ours, for `kfree()`, as
        // long as was asked for, and aligned; and any bytes are values.
        Ok(Self(unsafe {
            let memory = from_err_ptr(bindings::memdup_user(from.as_const_ptr().cast(), size))?;

            KVec::from_raw_parts(memory.cast(), len, len)
        }))
    }
}

impl<T: FromBytes> Deref for UserVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.0
    }
}
