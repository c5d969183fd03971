// SPDX-License-Identifier: GPL-2.0

//! Reservation objects.
//!
//! C header: [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h)

use super::fence::{
    timeout_as_raw,
    Fence,
    LeafFence,
    WaitResult, //
};
use crate::{
    bindings,
    error::to_result,
    prelude::*,
    sync::aref::ARef,
    task::MAX_SCHEDULE_TIMEOUT,
    time::{
        Instant,
        Jiffies,
        Monotonic, //
    },
    types::{
        NotThreadSafe,
        Opaque, //
    },
};
use core::ptr;

mod acquire;
mod guard;
mod iter;

pub use self::{
    acquire::{
        AcquireCtx,
        LockedResvs, //
    },
    guard::{
        ResvGuard,
        Slot,
        Slots, //
    },
    iter::{
        Fences,
        UnlockedFence,
        UnlockedFences, //
    },
};

/// What a fence in a reservation object stands for, and which fences an access must wait for.
///
/// Each usage includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    #[inline]
    fn from_raw(raw: bindings::dma_resv_usage) -> Self {
        match raw {
            bindings::dma_resv_usage_DMA_RESV_USAGE_KERNEL => Self::Kernel,
            bindings::dma_resv_usage_DMA_RESV_USAGE_WRITE => Self::Write,
            bindings::dma_resv_usage_DMA_RESV_USAGE_READ => Self::Read,
            _ => Self::Bookkeep,
        }
    }
}

/// The lock and the fences of a buffer.
///
/// Wraps the C `struct dma_resv`. The methods here need no lock; what needs it is in
/// [`ResvGuard`]. Where fences are looked at without the lock, others may be added or replaced
/// meanwhile; those that were there all the time are seen.
///
/// To lock several objects see [`AcquireCtx`]. While one is held, code that signals fences must not
/// be waited for through another lock, and no fence can be waited for that needs this object to be
/// signalled.
///
/// # Invariants
///
/// The wrapped object is initialised.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Fence, Resv, Usage};
///
/// let resv = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
/// let fence = Fence::private_stub(kernel::time::Instant::now())?;
///
/// let mut guard = resv.lock();
/// // This may fail...
/// let mut slots = guard.reserve_slots(1)?;
/// // ... and this may not.
/// if let Some(slot) = slots.take() {
///     slot.add(fence.as_leaf().ok_or(EINVAL)?, Usage::Write);
/// }
/// assert_eq!(guard.fences(Usage::Write).count(), 1);
/// assert_eq!(guard.fences(Usage::Kernel).count(), 0);
/// drop(guard);
///
/// // The fence is signalled.
/// assert!(resv.test_signaled(Usage::Bookkeep));
/// assert!(resv.get_fences(Usage::Bookkeep)?.is_empty());
/// # Ok::<(), Error>(())
/// ```
#[repr(transparent)]
pub struct Resv(Opaque<bindings::dma_resv>);

// SAFETY: A `dma_resv` is not tied to a thread.
unsafe impl Send for Resv {}

// SAFETY: It is a lock, made to be used by several threads.
unsafe impl Sync for Resv {}

impl Resv {
    /// A new object, without fences.
    #[inline]
    pub fn new() -> impl PinInit<Self> {
        Self::empty()
    }

    #[inline]
    fn empty<E>() -> impl PinInit<Self, E> {
        // SAFETY: `Resv` is transparent, and the call initialises it.
        unsafe {
            pin_init::pin_init_from_closure(|slot: *mut Self| {
                bindings::dma_resv_init(slot.cast());
                Ok::<(), E>(())
            })
        }
    }

    /// A new object with the fences that are pending in `src`, which need not be locked: for memory
    /// that was shared and goes its own way.
    ///
    /// Only what is being made gets the fences of others. To put them in the place of those that
    /// are there would take these away from whoever relies on them. Fails with `ENOMEM`. May sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::{Resv, Usage};
    ///
    /// let shared = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
    /// let own = KBox::pin_init(Resv::copy_of(&shared), GFP_KERNEL)?;
    ///
    /// assert!(own.test_signaled(Usage::Bookkeep));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn copy_of(src: &Self) -> impl PinInit<Self, Error> + '_ {
        Self::empty().pin_chain(|this: Pin<&mut Self>| {
            // Nobody else knows the object. Who is making it may have others locked.
            let guard = this.try_lock().ok_or(EBUSY)?;

            // SAFETY: Both objects are initialised, and this one is locked.
            to_result(unsafe {
                bindings::dma_resv_copy_fences(guard.resv().as_raw(), src.as_raw())
            })
        })
    }

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

    /// With lockdep in the kernel: warns if this task has the object locked, where it is about to
    /// be locked, or might be, and the task would wait for itself.
    #[inline]
    pub(super) fn assert_not_held(&self) {
        // SAFETY: The object is initialised.
        #[cfg(CONFIG_LOCKDEP)]
        unsafe {
            bindings::dma_resv_assert_not_held(self.as_raw())
        };
    }

    /// Locks this object alone, without an acquire context. Sleeps.
    #[inline]
    pub fn lock(&self) -> ResvGuard<'_> {
        // SAFETY: The object is initialised. Without a context the call cannot fail.
        unsafe { bindings::dma_resv_lock(self.as_raw(), ptr::null_mut()) };
        // SAFETY: Locked just above.
        unsafe { ResvGuard::new(self) }
    }

    /// As [`lock`](Self::lock), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_interruptible(&self) -> Result<ResvGuard<'_>> {
        // SAFETY: The object is initialised.
        to_result(unsafe {
            bindings::dma_resv_lock_interruptible(self.as_raw(), ptr::null_mut())
        })?;
        // SAFETY: Locked just above.
        Ok(unsafe { ResvGuard::new(self) })
    }

    /// As [`lock`](Self::lock), but a signal that kills the task ends the wait with `EINTR`.
    #[inline]
    pub fn lock_killable(&self) -> Result<ResvGuard<'_>> {
        let task = current!().as_ptr();

        loop {
            let result = self.lock_interruptible();

            // SAFETY: The current task is valid.
            if result.is_ok() || unsafe { bindings::fatal_signal_pending(task) } != 0 {
                return result;
            }
            // C has no such wait for these locks. With another signal pending, which ends each of
            // the other kind, one has to look again and again.
            //
            // SAFETY: May be called where sleeping is allowed.
            unsafe { bindings::schedule_timeout_killable(1) };
        }
    }

    /// Locks this object if nobody has it locked. Does not sleep, but needs process context.
    #[inline]
    pub fn try_lock(&self) -> Option<ResvGuard<'_>> {
        // SAFETY: The object is initialised.
        let locked = unsafe { bindings::dma_resv_trylock(self.as_raw()) };

        // SAFETY: Locked just above.
        locked.then(|| unsafe { ResvGuard::new(self) })
    }

    #[inline]
    fn wait_raw(&self, usage: Usage, interruptible: bool, timeout: c_long) -> Result<WaitResult> {
        // SAFETY: The object is initialised. CAST: Not negative.
        WaitResult::from_raw(unsafe {
            bindings::dma_resv_wait_timeout(
                self.as_raw(),
                usage.as_raw(),
                interruptible,
                timeout as c_ulong,
            )
        })
    }

    /// Waits for the fences of `usage`. Sleeps, and cannot be interrupted.
    #[inline]
    pub fn wait(&self, usage: Usage) {
        // Only drivers with a wait of their own know errors here; they mean that a fence is done.
        let _ = self.wait_raw(usage, false, MAX_SCHEDULE_TIMEOUT);
    }

    /// As [`wait`](Self::wait), but a signal ends the wait with `ERESTARTSYS`.
    #[inline]
    pub fn wait_interruptible(&self, usage: Usage) -> Result {
        self.wait_raw(usage, true, MAX_SCHEDULE_TIMEOUT).map(|_| ())
    }

    /// As [`wait`](Self::wait), but no longer than `timeout`.
    #[inline]
    pub fn wait_timeout(&self, usage: Usage, timeout: Jiffies) -> WaitResult {
        self.wait_raw(usage, false, timeout_as_raw(timeout))
            .unwrap_or(WaitResult::Done { left: 1 })
    }

    /// As [`wait_timeout`](Self::wait_timeout), but a signal ends the wait with `ERESTARTSYS`.
    #[inline]
    pub fn wait_timeout_interruptible(&self, usage: Usage, timeout: Jiffies) -> Result<WaitResult> {
        self.wait_raw(usage, true, timeout_as_raw(timeout))
    }

    /// Whether the fences of `usage` are all signalled.
    #[inline]
    pub fn test_signaled(&self, usage: Usage) -> bool {
        // SAFETY: The object is initialised.
        unsafe { bindings::dma_resv_test_signaled(self.as_raw(), usage.as_raw()) }
    }

    /// Hints that somebody would like the fences of `usage` to be signalled by `deadline`.
    #[inline]
    pub fn set_deadline(&self, usage: Usage, deadline: Instant<Monotonic>) {
        // SAFETY: The object is initialised.
        unsafe {
            bindings::dma_resv_set_deadline(self.as_raw(), usage.as_raw(), deadline.as_nanos())
        };
    }

    /// One fence that stands for all pending fences of `usage`; `None` if there are none.
    ///
    /// Fails with `ENOMEM`. May sleep. The result may be an array.
    #[inline]
    pub fn singleton(&self, usage: Usage) -> Result<Option<ARef<Fence>>> {
        let mut fence = ptr::null_mut();

        // SAFETY: The object is initialised.
        to_result(unsafe {
            bindings::dma_resv_get_singleton(self.as_raw(), usage.as_raw(), &mut fence)
        })?;
        // SAFETY: On success the call gives a reference, or NULL.
        Ok(unsafe { Fence::from_owned(fence) })
    }

    /// The pending fences of `usage`, all as they were at one time.
    ///
    /// Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn get_fences(&self, usage: Usage) -> Result<KVec<ARef<Fence>>> {
        let mut fences = ptr::null_mut();
        let mut count = 0;

        // SAFETY: The object is initialised.
        to_result(unsafe {
            bindings::dma_resv_get_fences(self.as_raw(), usage.as_raw(), &mut count, &mut fences)
        })?;

        if fences.is_null() {
            return Ok(KVec::new());
        }
        let count = count as usize;
        // SAFETY: On success the call gives `count` references to valid fences, in memory from
        // `kmalloc()`, where there is room for at least one. The layout of an `ARef<Fence>` is that
        // of a pointer.
        Ok(unsafe { KVec::from_raw_parts(fences.cast(), count, count.max(1)) })
    }

    /// The pending fences of `usage`, one after the other. See [`UnlockedFences`].
    #[inline]
    pub fn fences_unlocked(&self, usage: Usage) -> UnlockedFences<'_> {
        UnlockedFences::new(self, usage)
    }
}

impl Drop for Resv {
    // An object that belongs to C is only ever borrowed.
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant, and nobody else can have a reference to it any more.
        unsafe { bindings::dma_resv_fini(self.as_raw()) };
    }
}
