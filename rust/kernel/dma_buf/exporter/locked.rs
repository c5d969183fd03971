// SPDX-License-Identifier: GPL-2.0

//! A buffer whose reservation object its exporter has locked, and what can be looked at then.

use super::buffer::{
    AttachedDevice,
    Buffer,
    Exporter, //
};
use crate::{
    bindings,
    dma_buf::{
        buffer::DmaBuf,
        resv::ResvGuard, //
    },
    ffi::c_void,
    interop::list::clist_create,
    prelude::*,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};

impl<T: Exporter> Buffer<T> {
    /// What the exporter keeps for its attachments.
    #[inline]
    pub(super) fn attached(&self) -> Attached<'_, T::Attachment> {
        // INVARIANT: By the type invariant.
        Attached(self, PhantomData)
    }

    /// Takes the reservation object, to look at the attachments. Sleeps; the reservation object
    /// must not be held already.
    #[inline]
    pub fn lock(&self) -> LockedBuffer<'_, T> {
        LockedBuffer {
            buf: self,
            guard: self.resv().lock(),
        }
    }

    /// As [`lock`](Self::lock), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_interruptible(&self) -> Result<LockedBuffer<'_, T>> {
        Ok(LockedBuffer {
            buf: self,
            guard: self.resv().lock_interruptible()?,
        })
    }

    /// As [`lock`](Self::lock), but a signal that kills the task ends the wait with `EINTR`.
    #[inline]
    pub fn lock_killable(&self) -> Result<LockedBuffer<'_, T>> {
        Ok(LockedBuffer {
            buf: self,
            guard: self.resv().lock_killable()?,
        })
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
        Ok(LockedBuffer {
            buf: self,
            guard: guard.reborrow(),
        })
    }
}

/// A [`Buffer`] whose reservation object is locked.
pub struct LockedBuffer<'a, T: Exporter> {
    buf: &'a Buffer<T>,
    guard: ResvGuard<'a>,
}

impl<T: Exporter> LockedBuffer<'_, T> {
    /// Calls `f` on every attachment.
    #[inline]
    pub fn for_each_attachment(&mut self, mut f: impl FnMut(AttachedDevice<'_, T>)) {
        let buf = self.buf;

        each_attachment(buf, &mut self.guard, |raw| {
            // INVARIANT: An attachment is in the list only after `attach` and before `detach`; the
            // lock is held and `&mut self` makes this the only access in this task.
            f(AttachedDevice {
                raw,
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
        unsafe { bindings::dma_buf_invalidate_mappings(self.buf.as_raw()) };
    }

    /// The lock. What is lent does not unlock, and nothing can be put in its place.
    #[inline]
    pub fn guard(&mut self) -> ResvGuard<'_> {
        self.guard.reborrow()
    }

    /// Where the buffer is mapped for the kernel now, if it is, and if it is memory.
    #[inline]
    pub fn vmapping(&self) -> Option<*mut c_void> {
        vmapping(self.buf, &self.guard)
    }
}

/// Calls `f` on the attachments of `buf`, whose reservation object `_guard` is for.
#[inline]
fn each_attachment(
    buf: &DmaBuf,
    _guard: &mut ResvGuard<'_>,
    mut f: impl FnMut(NonNull<bindings::dma_buf_attachment>),
) {
    // SAFETY: The list is initialised at export, holds `node`s of attachments only, and does not
    // change while the reservation object is locked, as it is.
    let list = unsafe {
        clist_create!(
            buf.constant().attachments,
            Opaque<bindings::dma_buf_attachment>,
            bindings::dma_buf_attachment,
            node
        )
    };

    list.iter()
        .for_each(|attachment| f(NonNull::from(attachment).cast()));
}

/// Where `buf`, whose reservation object `_guard` is for, is mapped for the kernel, if it is, and
/// if it is memory.
#[inline]
fn vmapping(buf: &DmaBuf, _guard: &ResvGuard<'_>) -> Option<*mut c_void> {
    let buf = buf.as_raw();

    // SAFETY: Both fields are guarded by the reservation object, which is locked. Of what is no I/O
    // memory, `vaddr` is the active member.
    unsafe {
        // MODEL: none, because the reservation object is held.
        if (*buf).vmapping_counter == 0 || (*buf).vmap_ptr.is_iomem {
            return None;
        }
        Some((*buf).vmap_ptr.__bindgen_anon_1.vaddr)
    }
}

/// A buffer of an exporter that keeps an `A` for each attachment, whichever exporter that is.
///
/// # Invariants
///
/// As that says: the private data of the attachments is a foreign-owned `A`.
pub(super) struct Attached<'a, A>(&'a DmaBuf, PhantomData<A>);

impl<'a, A: ForeignOwnable> Attached<'a, A> {
    /// As [`Buffer::lock_interruptible`].
    pub(super) fn lock_interruptible(self) -> Result<LockedAttached<'a, A>> {
        Ok(LockedAttached(self.0.resv().lock_interruptible()?, self))
    }

    /// As [`Buffer::lock_killable`].
    pub(super) fn lock_killable(self) -> Result<LockedAttached<'a, A>> {
        Ok(LockedAttached(self.0.resv().lock_killable()?, self))
    }
}

/// An [`Attached`] whose reservation object is locked by what comes first.
pub(super) struct LockedAttached<'a, A>(ResvGuard<'a>, Attached<'a, A>);

impl<A: ForeignOwnable> LockedAttached<'_, A> {
    /// The size of the buffer.
    pub(super) fn size(&self) -> usize {
        self.1 .0.size()
    }

    /// As [`LockedBuffer::vmapping`].
    pub(super) fn vmapping(&self) -> Option<*mut c_void> {
        vmapping(self.1 .0, &self.0)
    }

    /// Calls `f` on what is kept for each attachment.
    pub(super) fn for_each(&mut self, mut f: impl FnMut(A::BorrowedMut<'_>)) {
        each_attachment(self.1 .0, &mut self.0, |attachment| {
            // SAFETY: By the type invariant it came from `into_foreign()`. It is taken back after
            // the lock only, which is held, and nobody else accesses it meanwhile.
            f(unsafe { A::borrow_mut((*attachment.as_ptr()).priv_) });
        });
    }
}
