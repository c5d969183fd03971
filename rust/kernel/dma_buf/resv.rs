// SPDX-License-Identifier: GPL-2.0

//! Reservation objects.
//!
//! C header: [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h)

use crate::{
    bindings,
    error::to_result,
    prelude::*,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};
use core::ptr;

/// The lock and the fences of a buffer.
///
/// Wraps the C `struct dma_resv`.
///
/// # Invariants
///
/// The wrapped object is initialised.
#[repr(transparent)]
pub struct Resv(Opaque<bindings::dma_resv>);

// SAFETY: A `dma_resv` is not tied to a thread.
unsafe impl Send for Resv {}

// SAFETY: It is a lock, made to be used by several threads.
unsafe impl Sync for Resv {}

impl Resv {
    /// Borrows a reservation object from a C pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to an initialised `struct dma_resv` that lives for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::dma_resv) -> &'a Self {
        // SAFETY: By the caller's guarantee; `Resv` is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The C `struct dma_resv`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::dma_resv {
        self.0.get()
    }

    /// Locks this object alone, without an acquire context. Sleeps.
    #[inline]
    pub fn lock(&self) -> ResvGuard<'_> {
        // SAFETY: The object is initialised. Without a context the call cannot fail.
        unsafe { bindings::dma_resv_lock(self.as_raw(), ptr::null_mut()) };
        // INVARIANT: Locked just above.
        ResvGuard {
            resv: self,
            _not_send: NotThreadSafe,
        }
    }

    /// As [`lock`](Self::lock), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_interruptible(&self) -> Result<ResvGuard<'_>> {
        // SAFETY: The object is initialised.
        to_result(unsafe {
            bindings::dma_resv_lock_interruptible(self.as_raw(), ptr::null_mut())
        })?;
        // INVARIANT: Locked just above.
        Ok(ResvGuard {
            resv: self,
            _not_send: NotThreadSafe,
        })
    }
}

/// Proof that a [`Resv`] is locked by this task. Dropping it unlocks.
///
/// # Invariants
///
/// `resv` is locked by the current task and unlocked only by this guard.
#[must_use = "the reservation object is unlocked when the guard is dropped"]
pub struct ResvGuard<'a> {
    resv: &'a Resv,
    // A mutex is unlocked by the task that locked it.
    _not_send: NotThreadSafe,
}

impl ResvGuard<'_> {
    /// The locked object.
    #[inline]
    pub fn resv(&self) -> &Resv {
        self.resv
    }
}

impl Drop for ResvGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant this guard holds the lock.
        unsafe { bindings::dma_resv_unlock(self.resv.as_raw()) };
    }
}
