// SPDX-License-Identifier: GPL-2.0

//! A buffer whose reservation object is locked.

use super::{
    attachments::{
        AnyBuffer,
        LockedAttachments, //
    },
    buffer::{
        AttachedDevice,
        Buffer,
        Exporter, //
    },
};
use crate::{
    bindings,
    dma_buf::resv::ResvGuard,
    ffi::c_void,
    prelude::*, //
};
use core::{
    marker::PhantomData,
    ptr, //
};

impl<T: Exporter> Buffer<T> {
    /// Takes the reservation object, to look at the attachments. Sleeps; the reservation object
    /// must not be held already.
    #[inline]
    pub fn lock(&self) -> LockedBuffer<'_, T> {
        LockedBuffer::new(self, self.resv().lock())
    }

    /// As [`lock`](Self::lock), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_interruptible(&self) -> Result<LockedBuffer<'_, T>> {
        let guard = self.resv().lock_interruptible()?;

        Ok(LockedBuffer::new(self, guard))
    }

    /// As [`lock`](Self::lock), but a signal that kills the task ends the wait with `EINTR`.
    #[inline]
    pub fn lock_killable(&self) -> Result<LockedBuffer<'_, T>> {
        let guard = self.resv().lock_killable()?;

        Ok(LockedBuffer::new(self, guard))
    }

    /// As [`lock`](Self::lock), when the reservation object is locked already, perhaps
    /// [together with others](crate::dma_buf::AcquireCtx).
    ///
    /// Fails with `EINVAL` if `guard` is for another reservation object.
    #[inline]
    pub fn with_guard<'a>(&'a self, guard: &'a mut ResvGuard<'_>) -> Result<LockedBuffer<'a, T>> {
        if !ptr::eq(guard.resv(), self.resv()) {
            return Err(EINVAL);
        }
        Ok(LockedBuffer::new(self, guard.reborrow()))
    }
}

impl<'a, T: Exporter> From<&'a Buffer<T>> for AnyBuffer<'a, T::Attachment> {
    #[inline(always)]
    fn from(buf: &'a Buffer<T>) -> Self {
        // INVARIANT: `T` does.
        Self(buf, PhantomData)
    }
}

/// A [`Buffer`] whose reservation object is locked.
///
/// # Invariants
///
/// It is a buffer of `T`.
pub struct LockedBuffer<'a, T: Exporter> {
    locked: LockedAttachments<'a, T::Attachment>,
    _p: PhantomData<T>,
}

impl<'a, T: Exporter> LockedBuffer<'a, T> {
    /// `guard` must be that of the buffer's reservation object.
    #[inline(always)]
    pub(super) fn new(buf: &'a Buffer<T>, guard: ResvGuard<'a>) -> Self {
        // INVARIANT: As the caller says.
        Self {
            locked: LockedAttachments {
                buf: buf.into(),
                guard,
            },
            _p: PhantomData,
        }
    }

    /// Calls `f` on every attachment.
    #[inline]
    pub fn for_each_attachment(&mut self, mut f: impl FnMut(AttachedDevice<'_, T>)) {
        // INVARIANT: Attached to this buffer.
        self.locked.all().for_each(|data| {
            f(AttachedDevice {
                data,
                _p: PhantomData,
            });
        });
    }

    /// Tells importers that can follow it that the memory is about to move.
    ///
    /// The memory must stay as long as fences in the reservation object are pending, and, for
    /// importers that are not to read from it any more, until they have unmapped it.
    #[inline]
    pub fn invalidate_mappings(&mut self) {
        // SAFETY: The buffer is valid, and `self` proves its reservation object locked.
        unsafe { bindings::dma_buf_invalidate_mappings(self.locked.buf.0.as_raw()) };
    }

    /// The lock. What is lent does not unlock, and nothing can be put in its place.
    #[inline]
    pub fn guard(&mut self) -> ResvGuard<'_> {
        self.locked.guard.reborrow()
    }

    /// Where the buffer is mapped for the kernel now, if it is, and if it is memory.
    #[inline]
    pub fn vmapping(&self) -> Option<*mut c_void> {
        self.locked.vmapping()
    }
}
