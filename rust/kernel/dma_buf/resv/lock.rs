// SPDX-License-Identifier: GPL-2.0

//! Locking a reservation object.

use super::{
    abi,
    holder::Holder,
    in_use::Held,
    object::Resv, //
};
use crate::{
    error::to_result,
    prelude::*,
    types::NotThreadSafe, //
};
use core::mem::ManuallyDrop;

/// Proof that a [`Resv`] is locked by this task. Dropping it unlocks, unless the object was locked
/// together with others: then it is they that unlock ([`LockedResvs`](super::LockedResvs)).
///
/// # Invariants
///
/// `resv` is locked by the current task, and stays locked for `'a`. There is no other guard for it
/// that can be used at the same time. If `holder` is set the object is unlocked only by this guard.
///
/// # Examples
///
/// See [`Resv`].
#[must_use = "the reservation object is unlocked when the guard is dropped"]
pub struct ResvGuard<'a> {
    resv: &'a Resv,
    /// Set if the guard unlocks.
    holder: Option<Holder>,
    // A guard that was lent does not leave its task either.
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
            holder: None,
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
            holder: None,
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
        if self.holder.is_some() {
            // SAFETY: By the type invariant this guard is the one to unlock.
            unsafe { abi::unlock(self.resv) };
        }
    }
}

/// A [`Resv`] that was locked just now: what unlocks it is made of this.
///
/// # Invariants
///
/// The object is locked by the current task, without an acquire context, for `'a` or until what is
/// made of this unlocks it. There is no guard for it. It is a local variable and nothing else.
#[must_use = "the reservation object stays locked"]
struct Taken<'a>(&'a Resv);

impl<'a> Taken<'a> {
    /// Sleeps.
    #[inline]
    fn new(resv: &'a Resv) -> Self {
        // Without a context the call cannot fail.
        abi::dma_resv_lock(resv, None);
        // INVARIANT: Locked just above.
        Self(resv)
    }

    /// Sleeps. A signal ends the wait with `EINTR`.
    #[inline(always)]
    fn interruptible(resv: &'a Resv) -> Result<Self> {
        resv.take_interruptible()?;
        // INVARIANT: Locked just above.
        Ok(Self(resv))
    }

    /// Sleeps. A signal that kills the task ends the wait with `EINTR`.
    #[inline(always)]
    fn killable(resv: &'a Resv) -> Result<Self> {
        resv.take_killable()?;
        // INVARIANT: Locked just above.
        Ok(Self(resv))
    }

    /// `None` if somebody has it locked.
    #[inline]
    fn without_wait(resv: &'a Resv) -> Option<Self> {
        if abi::dma_resv_trylock(resv) {
            // INVARIANT: Locked just above.
            Some(Self(resv))
        } else {
            None
        }
    }

    #[inline]
    fn into_guard(self) -> ResvGuard<'a> {
        // INVARIANT: By the type invariant there is no other guard, and `self`, of which one could
        // be made, is gone.
        ResvGuard {
            resv: self.0,
            holder: Some(Holder::current()),
            _not_send: NotThreadSafe,
        }
    }

    /// Unlocks it after `f`.
    #[inline(always)]
    fn lend<R>(self, f: impl FnOnce(&mut ResvGuard<'_>) -> R) -> R {
        // SAFETY: By the type invariant it is locked, until the end of this function, and nobody
        // else has a guard for that. `f` cannot keep this one, which has nothing to do when it
        // goes. If there is one in its place that unlocks, that one is forgotten.
        unsafe {
            let mut guard = ManuallyDrop::new(ResvGuard::borrowed(self.0));
            let result = f(&mut guard);

            abi::unlock(self.0);
            result
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
        Taken::new(self).into_guard()
    }

    /// As [`lock`](Self::lock), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_interruptible(&self) -> Result<ResvGuard<'_>> {
        Taken::interruptible(self).map(Taken::into_guard)
    }

    /// As [`lock`](Self::lock), but a signal that kills the task ends the wait with `EINTR`.
    #[inline]
    pub fn lock_killable(&self) -> Result<ResvGuard<'_>> {
        Taken::killable(self).map(Taken::into_guard)
    }

    /// Locks this object if nobody has it locked. Does not sleep, but needs process context.
    #[inline]
    pub fn try_lock(&self) -> Option<ResvGuard<'_>> {
        Taken::without_wait(self).map(Taken::into_guard)
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
        Taken::new(self).lend(f)
    }

    /// As [`with_lock`](Self::with_lock), but a signal ends the wait with `EINTR`.
    #[inline(always)]
    pub fn with_lock_interruptible<R>(&self, f: impl FnOnce(&mut ResvGuard<'_>) -> R) -> Result<R> {
        Ok(Taken::interruptible(self)?.lend(f))
    }

    /// As [`with_lock`](Self::with_lock), but a signal that kills the task ends the wait with
    /// `EINTR`.
    #[inline(always)]
    pub fn with_lock_killable<R>(&self, f: impl FnOnce(&mut ResvGuard<'_>) -> R) -> Result<R> {
        Ok(Taken::killable(self)?.lend(f))
    }

    /// Leaves it locked.
    #[inline]
    fn take_interruptible(&self) -> Result {
        match abi::dma_resv_lock_interruptible(self, None) {
            0 => Ok(()),
            err => to_result(err),
        }
    }

    /// Leaves it locked.
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
}
