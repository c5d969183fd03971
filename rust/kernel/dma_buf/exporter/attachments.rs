// SPDX-License-Identifier: GPL-2.0

//! The attachments of a buffer, whoever has exported it.
//!
//! Nothing is known here of the exporter but what it keeps for an attachment, so that exporters
//! which keep the same share one function.

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
    mem::ManuallyDrop,
    ptr::NonNull, //
};

/// A buffer of any exporter that keeps an `A` for each attachment.
///
/// # Invariants
///
/// It is a buffer of such an exporter.
pub(super) struct AnyBuffer<'a, A>(pub(super) &'a DmaBuf, pub(super) PhantomData<A>);

impl<'a, A: ForeignOwnable> AnyBuffer<'a, A> {
    /// See [`Resv::with_lock_interruptible`](crate::dma_buf::Resv::with_lock_interruptible).
    #[inline(always)]
    pub(super) fn with_lock_interruptible<R>(
        self,
        f: impl FnOnce(&mut LockedAttachments<'_, A>) -> R,
    ) -> Result<R> {
        let AnyBuffer(buf, _) = self;

        buf.resv()
            .with_lock_interruptible(|guard| f(&mut LockedAttachments::lent(buf, guard)))
    }

    /// See [`Resv::with_lock_killable`](crate::dma_buf::Resv::with_lock_killable).
    #[inline(always)]
    pub(super) fn with_lock_killable<R>(
        self,
        f: impl FnOnce(&mut LockedAttachments<'_, A>) -> R,
    ) -> Result<R> {
        let AnyBuffer(buf, _) = self;

        buf.resv()
            .with_lock_killable(|guard| f(&mut LockedAttachments::lent(buf, guard)))
    }
}

/// An [`AnyBuffer`] whose reservation object is locked.
///
/// # Invariants
///
/// `guard` is that of the buffer's reservation object.
pub(super) struct LockedAttachments<'a, A> {
    pub(super) buf: AnyBuffer<'a, A>,
    pub(super) guard: ResvGuard<'a>,
}

impl<'a, A: ForeignOwnable> LockedAttachments<'a, A> {
    /// Of `buf`, whose guard is lent. What is lent has nothing to do when it goes.
    #[inline(always)]
    fn lent(buf: &'a DmaBuf, guard: &'a mut ResvGuard<'_>) -> ManuallyDrop<Self> {
        // INVARIANT: By the callers, which are above.
        ManuallyDrop::new(Self {
            buf: AnyBuffer(buf, PhantomData),
            guard: guard.reborrow(),
        })
    }
}

impl<A: ForeignOwnable> LockedAttachments<'_, A> {
    /// The attachments.
    #[inline(always)]
    pub(super) fn all(&mut self) -> Attachments<'_, A> {
        // INVARIANT: `guard` holds it; `self` is lent for that.
        Attachments(AnyBuffer(self.buf.0, PhantomData))
    }

    /// Where the buffer is mapped for the kernel now, if it is, and if it is memory.
    #[inline(always)]
    pub(super) fn vmapping(&self) -> Option<*mut c_void> {
        let buf = self.buf.0.as_raw();

        // SAFETY: Both fields are guarded by the reservation object, which `self` proves locked.
        // Of what is no I/O memory, `vaddr` is the active member.
        unsafe {
            // MODEL: none, because the reservation object is held.
            if (*buf).vmapping_counter == 0 || (*buf).vmap_ptr.is_iomem {
                return None;
            }
            Some((*buf).vmap_ptr.__bindgen_anon_1.vaddr)
        }
    }

    /// Size of the buffer in bytes.
    #[inline(always)]
    pub(super) fn size(&self) -> usize {
        self.buf.0.size()
    }
}

/// The attachments of a buffer, in one word.
///
/// # Invariants
///
/// The buffer's reservation object is held for `'a`, and this is the only way to what is kept for
/// its attachments meanwhile.
pub(super) struct Attachments<'a, A>(AnyBuffer<'a, A>);

impl<A: ForeignOwnable> Attachments<'_, A> {
    /// Calls `f` on what is kept for every attachment.
    #[inline(always)]
    pub(super) fn for_each(self, mut f: impl FnMut(AttachedData<'_, A>)) {
        // SAFETY: The list is initialised at export, holds `node`s of attachments only, and does
        // not change while the reservation object is locked, by the type invariant.
        // MODEL: none, because the reservation object is held.
        let list = unsafe {
            clist_create!(
                self.0 .0.constant().attachments,
                Opaque<bindings::dma_buf_attachment>,
                bindings::dma_buf_attachment,
                node
            )
        };

        for attachment in list.iter() {
            // INVARIANT: An attachment is in the list only after `attach` and before `detach`; the
            // rest by the type invariant.
            f(AttachedData {
                raw: NonNull::from(attachment).cast(),
                _p: PhantomData,
            });
        }
    }
}

/// What an exporter keeps for one attachment.
///
/// # Invariants
///
/// `raw` is an attachment to a buffer of an exporter that keeps an `A`, between its `attach` and
/// its `detach`. The buffer's reservation object is held for `'a`, and this is the only way to the
/// attachment's data meanwhile.
#[repr(transparent)]
pub(super) struct AttachedData<'a, A> {
    raw: NonNull<bindings::dma_buf_attachment>,
    _p: PhantomData<(&'a DmaBuf, A)>,
}

impl<A: ForeignOwnable> AttachedData<'_, A> {
    #[inline(always)]
    pub(super) fn as_raw(&self) -> NonNull<bindings::dma_buf_attachment> {
        self.raw
    }

    #[inline(always)]
    pub(super) fn get(&mut self) -> A::BorrowedMut<'_> {
        // SAFETY: By the type invariant the private data came from `into_foreign()`, is taken back
        // after `'a` only, and nobody else accesses it meanwhile.
        unsafe { A::borrow_mut((*self.raw.as_ptr()).priv_) }
    }
}
