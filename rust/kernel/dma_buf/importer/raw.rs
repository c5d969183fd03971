// SPDX-License-Identifier: GPL-2.0

//! What C knows of: attachments, tables, directions.

use crate::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    dma::DataDirection,
    dma_buf::buffer::DmaBuf,
    error::from_err_ptr,
    interop::any_thread::AnyThread,
    prelude::*,
    sync::aref::ARef, //
};
use core::ptr::NonNull;

/// An attachment of either kind. Drop detaches.
///
/// # Invariants
///
/// `ptr` is an attachment of `dev` to `buf`, which only this object detaches.
pub(super) struct RawAttachment {
    ptr: AnyThread<bindings::dma_buf_attachment>,
    buf: ARef<DmaBuf>,
    // Whoever looks at the attachments of a buffer looks at their devices, too.
    _dev: ARef<Device>,
}

impl RawAttachment {
    /// Takes over what `dma_buf_attach()` or `dma_buf_dynamic_attach()` returned.
    ///
    /// # Safety
    ///
    /// `ret` must be an error, or a new attachment of `dev` to `buf`.
    #[inline]
    pub(super) unsafe fn new(
        ret: *mut bindings::dma_buf_attachment,
        buf: ARef<DmaBuf>,
        dev: &Device<Bound>,
    ) -> Result<Self> {
        // INVARIANT: By the caller's guarantee.
        Ok(Self {
            ptr: AnyThread::new(NonNull::new(from_err_ptr(ret)?).ok_or(EINVAL)?),
            buf,
            _dev: dev.into(),
        })
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *mut bindings::dma_buf_attachment {
        self.ptr.as_ptr()
    }

    #[inline]
    pub(super) fn buffer(&self) -> &DmaBuf {
        &self.buf
    }
}

impl Drop for RawAttachment {
    #[inline]
    fn drop(&mut self) {
        self.buf.resv().assert_not_held();
        // SAFETY: By the type invariant it is attached.
        unsafe { bindings::dma_buf_detach(self.buf.as_raw(), self.as_ptr()) };
    }
}

/// The table that came out of mapping.
pub(super) type Table = AnyThread<bindings::sg_table>;

/// The direction for C, which stops the machine if it is [`DataDirection::None`]. Here that is
/// `EINVAL`.
#[inline]
pub(super) fn raw_direction(dir: DataDirection) -> Result<bindings::dma_data_direction> {
    match dir {
        DataDirection::None => Err(EINVAL),
        dir => Ok(dir.into()),
    }
}

/// Takes over what `dma_buf_map_attachment()` returned.
#[inline]
pub(super) fn table_from_raw(ret: *mut bindings::sg_table) -> Result<Table> {
    NonNull::new(from_err_ptr(ret)?)
        .map(AnyThread::new)
        .ok_or(EINVAL)
}
