// SPDX-License-Identifier: GPL-2.0

//! Reservation objects.
//!
//! C header: [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h)

use super::fence::{
    Fence,
    Fences, //
};
use crate::{
    bindings,
    error::to_result,
    prelude::*,
    sync::aref::ARef,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};
use core::ptr;

/// What a fence in a reservation object stands for, and which fences an access must wait for.
///
/// Each usage includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Usage {
    /// Memory management: moving or clearing the memory. Everybody waits for these.
    Kernel,
    /// Implicitly synchronised writes.
    Write,
    /// Implicitly synchronised reads.
    Read,
    /// Accesses without implicit synchronisation. Only memory management waits for these.
    Bookkeep,
}

impl Usage {
    /// The fences that a new access has to wait for.
    #[inline]
    pub fn before_access(write: bool) -> Self {
        // A writer waits for readers and writers, a reader for writers only.
        if write {
            Self::Read
        } else {
            Self::Write
        }
    }

    #[inline]
    fn as_raw(self) -> bindings::dma_resv_usage {
        match self {
            Self::Kernel => bindings::dma_resv_usage_DMA_RESV_USAGE_KERNEL,
            Self::Write => bindings::dma_resv_usage_DMA_RESV_USAGE_WRITE,
            Self::Read => bindings::dma_resv_usage_DMA_RESV_USAGE_READ,
            Self::Bookkeep => bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP,
        }
    }
}

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

    /// Waits without limit for the fences of `usage`. A signal ends the wait with `ERESTARTSYS`.
    ///
    /// The lock need not be held. Sleeps.
    #[inline]
    pub fn wait_interruptible(&self, usage: Usage) -> Result {
        const NO_LIMIT: c_ulong = c_long::MAX as c_ulong;

        // SAFETY: The object is initialised.
        let left = unsafe {
            bindings::dma_resv_wait_timeout(self.as_raw(), usage.as_raw(), true, NO_LIMIT)
        };

        // A positive result is the time that was left.
        if left < 0 {
            return to_result(left as c_int);
        }
        Ok(())
    }

    /// One fence that stands for all fences of `usage`; `None` if there are none.
    ///
    /// Fails with `ENOMEM`. The lock need not be held. May sleep.
    #[inline]
    pub fn singleton(&self, usage: Usage) -> Result<Option<ARef<Fence>>> {
        let mut fence = core::ptr::null_mut();

        // SAFETY: The object is initialised.
        to_result(unsafe {
            bindings::dma_resv_get_singleton(self.as_raw(), usage.as_raw(), &mut fence)
        })?;
        // SAFETY: On success the call gives a reference, or NULL.
        Ok(unsafe { Fence::from_owned(fence) })
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

    /// The fences of `usage`, signalled or not.
    #[inline]
    pub fn fences(&self, usage: Usage) -> Fences<'_> {
        // SAFETY: By the type invariant the object is locked, and the iterator borrows the guard.
        unsafe { Fences::new(self.resv.as_raw(), usage.as_raw()) }
    }

    /// Makes room for `count` more fences. Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn reserve_slots(&mut self, count: u32) -> Result<Slots<'_>> {
        // SAFETY: By the type invariant the object is locked.
        to_result(unsafe { bindings::dma_resv_reserve_fences(self.resv.as_raw(), count) })?;
        // INVARIANT: Reserved just above; the lock is held until after the slots are gone.
        Ok(Slots {
            resv: self.resv,
            left: count,
        })
    }
}

/// Room for fences in a locked [`Resv`].
///
/// # Invariants
///
/// The object is locked and has room for at least `left` more fences.
pub struct Slots<'a> {
    resv: &'a Resv,
    left: u32,
}

impl Slots<'_> {
    /// Adds `fence`, or gives back `false` if all slots are used up. Cannot fail otherwise.
    #[inline]
    pub fn add(&mut self, fence: &Fence, usage: Usage) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };

        // INVARIANT: A fence takes one slot at most.
        self.left = left;
        // SAFETY: By the type invariant; the call takes a reference of its own.
        unsafe { bindings::dma_resv_add_fence(self.resv.as_raw(), fence.as_raw(), usage.as_raw()) };
        true
    }
}

impl Drop for ResvGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant this guard holds the lock.
        unsafe { bindings::dma_resv_unlock(self.resv.as_raw()) };
    }
}
