// SPDX-License-Identifier: GPL-2.0

//! The buffer that user space means.

use crate::{
    bindings,
    dma_buf::buffer::DmaBuf,
    error::from_err_ptr,
    prelude::*,
    sync::aref::ARef, //
};
use core::ptr::NonNull;

impl DmaBuf {
    /// The buffer that the calling process knows as `fd`.
    ///
    /// Fails with `EBADF` if there is no such file, and with `EINVAL` if it is no buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::DmaBuf;
    ///
    /// assert_eq!(DmaBuf::from_fd(-1).err(), Some(EBADF));
    /// ```
    #[inline]
    pub fn from_fd(fd: i32) -> Result<ARef<Self>> {
        // SAFETY: Any number may be asked for. What is no error is a buffer, with a reference for
        // us.
        unsafe {
            NonNull::new(from_err_ptr(bindings::dma_buf_get(fd))?)
                .map(|buf| ARef::from_raw(buf.cast()))
                .ok_or(EINVAL)
        }
    }
}
