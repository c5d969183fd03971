// SPDX-License-Identifier: GPL-2.0

//! Locking a reservation object.

use super::{
    abi,
    in_use::Held,
    object::Resv, //
};
use crate::{
    error::to_result,
    prelude::*,
    sync::aref::ARef,
    task::Task,
    types::NotThreadSafe, //
};
use core::mem::ManuallyDrop;

/// Proof that a [`Resv`] is locked by this task. Dropping it unlocks, unless the object was locked
/// together with others: then it is they that unlock ([`LockedResvs`](super::LockedResvs)).
///
/// # Invariants
///
/// `resv` is locked by the current task, and stays locked for `'a`. There is no other guard for it
/// that can be used at the same time. If `task` is set it is this one, and the object is
/// unlocked only by this guard.
///
/// # Examples
///
/// See [`Resv`].
#[must_use = "the reservation object is unlocked when the guard is dropped"]
pub struct ResvGuard<'a> {
    resv: &'a Resv,
    /// Set if the guard unlocks. A lock that is held refers to its task, which whoever waits for it
    /// looks at: so the task stays, too, if the guard is forgotten.
    task: Option<ARef<Task>>,
    // A mutex is unlocked by the task that locked it.
    _not_send: NotThreadSafe,
}

impl<'a> ResvGuard<'a> {
    /// # Safety
    ///
    /// The current task has locked `resv`, it stays locked for `'a`, and this is the only guard for
    /// it meanwhile.
    #[inline]
    pub(in crate::dma_buf) unsafe fn borrowed(resv: &'a Resv) -> Self {
        // INVARIANT: Locked, and there is no other one.
        Self {
            resv,
            task: None,
            _not_send: NotThreadSafe,
        }
    }

    /// The locked object.
    #[inline]
    pub fn resv(&self) -> &Resv {
        self.resv
    }

    /// Lends the guard to somebody who wants to have one. What is lent does not unlock.
    #[inline]
    pub fn reborrow(&mut self) -> ResvGuard<'_> {
        // INVARIANT: This guard cannot be used as long as the other one exists.
        ResvGuard {
            resv: self.resv,
            task: None,
            _not_send: NotThreadSafe,
        }
    }

    /// The lock, for as long as this guard is not used otherwise.
    #[inline]
    pub(super) fn held(&mut self) -> Held<'_> {
        // INVARIANT: By the type invariant, and because `self` is borrowed.
        Held(self.resv)
    }
}

impl Drop for ResvGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.task.is_some() {
            // SAFETY: By the type invariant this guard is the one to unlock.
            unsafe { abi::unlock(self.resv) };
        }
    }
}

impl Resv {
    /// With lockdep in the kernel: warns if this task has the object locked, where it is about to
    /// be locked, or might be, and the task would wait for itself.
    #[inline]
    pub(in crate::dma_buf) fn assert_not_held(&self) {
        if cfg!(CONFIG_LOCKDEP) {
            abi::dma_resv_assert_not_held(self);
        }
    }

    /// Locks this object alone, without an acquire context. Sleeps.
    #[inline]
    pub fn lock(&self) -> ResvGuard<'_> {
        // Without a context the call cannot fail.
        abi::dma_resv_lock(self, None);
        self.guard()
    }

    /// As [`lock`](Self::lock), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_interruptible(&self) -> Result<ResvGuard<'_>> {
        self.take_interruptible()?;
        Ok(self.guard())
    }

    /// As [`lock`](Self::lock), but a signal that kills the task ends the wait with `EINTR`.
    #[inline]
    pub fn lock_killable(&self) -> Result<ResvGuard<'_>> {
        self.take_killable()?;
        Ok(self.guard())
    }

    /// Locks this object if nobody has it locked. Does not sleep, but needs process context.
    #[inline]
    pub fn try_lock(&self) -> Option<ResvGuard<'_>> {
        abi::dma_resv_trylock(self).then(|| self.guard())
    }

    /// Locks this object for what `f` does with the guard that it is lent. Sleeps.
    ///
    /// As [`lock`](Self::lock), at less cost: it is unlocked in any case.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::Resv;
    ///
    /// let resv = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
    ///
    /// resv.with_lock(|guard| {
    ///     assert!(resv.try_lock().is_none());
    ///     core::mem::forget(guard.reborrow());
    /// });
    /// assert!(resv.try_lock().is_some());
    /// # Ok::<(), Error>(())
    /// ```
    #[inline(always)]
    pub fn with_lock<R>(&self, f: impl FnOnce(&mut ResvGuard<'_>) -> R) -> R {
        // Without a context the call cannot fail.
        abi::dma_resv_lock(self, None);
        self.lend(f)
    }

    /// As [`with_lock`](Self::with_lock), but a signal ends the wait with `EINTR`.
    #[inline(always)]
    pub fn with_lock_interruptible<R>(&self, f: impl FnOnce(&mut ResvGuard<'_>) -> R) -> Result<R> {
        self.take_interruptible()?;
        Ok(self.lend(f))
    }

    /// As [`with_lock`](Self::with_lock), but a signal that kills the task ends the wait with
    /// `EINTR`.
    #[inline(always)]
    pub fn with_lock_killable<R>(&self, f: impl FnOnce(&mut ResvGuard<'_>) -> R) -> Result<R> {
        self.take_killable()?;
        Ok(self.lend(f))
    }

    #[inline]
    fn take_interruptible(&self) -> Result {
        match abi::dma_resv_lock_interruptible(self, None) {
            0 => Ok(()),
            err => to_result(err),
        }
    }

    #[inline]
    fn take_killable(&self) -> Result {
        loop {
            let result = self.take_interruptible();

            if result.is_ok() || abi::fatal_signal_pending(current!()) != 0 {
                return result;
            }
            // C has no such wait for these locks. With another signal pending, which ends each of
            // the other kind, one has to look again and again.
            abi::schedule_timeout_killable(1);
        }
    }

    /// For who has just locked it.
    #[inline]
    fn guard(&self) -> ResvGuard<'_> {
        let task: &Task = current!();

        // INVARIANT: By the caller nobody else has a guard for that.
        ResvGuard {
            resv: self,
            task: Some(task.into()),
            _not_send: NotThreadSafe,
        }
    }

    /// For who has just locked it. Unlocks it afterwards.
    #[inline(always)]
    fn lend<R>(&self, f: impl FnOnce(&mut ResvGuard<'_>) -> R) -> R {
        // SAFETY: By the caller it is locked, until the end of this function, and nobody else has a
        // guard for that. `f` cannot keep this one, which has nothing to do when it goes. If there
        // is one in its place that unlocks, that one is forgotten.
        unsafe {
            let mut guard = ManuallyDrop::new(ResvGuard::borrowed(self));
            let result = f(&mut guard);

            abi::unlock(self);
            result
        }
    }
}
