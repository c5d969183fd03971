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

/// Proof that a [`Resv`] is locked by this task. Dropping it unlocks, unless the object was locked
/// together with others: then it is they that unlock ([`LockedResvs`](super::LockedResvs)).
///
/// # Invariants
///
/// `resv` is locked by the current task, and stays locked for `'a`. There is no other guard for it
/// that can be used at the same time. Unless `unlock` says [`Unlock::Others`] the object is unlocked
/// only by this guard.
///
/// # Examples
///
/// See [`Resv`].
#[must_use = "the reservation object is unlocked when the guard is dropped"]
pub struct ResvGuard<'a> {
    resv: &'a Resv,
    unlock: Unlock,
    // A mutex is unlocked by the task that locked it.
    _not_send: NotThreadSafe,
}

/// Who unlocks an object when a guard is dropped.
enum Unlock {
    /// Whoever has lent the guard.
    Others,
    /// The guard, which may be forgotten. A lock that is held refers to its task, which whoever
    /// waits for it looks at: so the task stays, too.
    ThisOf { _task: ARef<Task> },
    /// The guard, which nobody forgets.
    This,
}

impl Unlock {
    #[inline]
    fn this() -> Self {
        let task: &Task = current!();

        Self::ThisOf { _task: task.into() }
    }
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
            unlock: Unlock::Others,
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
            unlock: Unlock::Others,
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
        if !matches!(self.unlock, Unlock::Others) {
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
        // INVARIANT: Locked just above; nobody else has a guard for that.
        ResvGuard {
            resv: self,
            unlock: Unlock::this(),
            _not_send: NotThreadSafe,
        }
    }

    /// As [`lock`](Self::lock), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_interruptible(&self) -> Result<ResvGuard<'_>> {
        self.lock_interruptible_for(Unlock::this)
    }

    /// As [`lock`](Self::lock), but a signal that kills the task ends the wait with `EINTR`.
    #[inline]
    pub fn lock_killable(&self) -> Result<ResvGuard<'_>> {
        self.lock_killable_for(Unlock::this)
    }

    /// As [`lock_interruptible`](Self::lock_interruptible), for who gives the guard to nobody who
    /// could forget it.
    #[inline]
    pub(in crate::dma_buf) fn lock_interruptible_here(&self) -> Result<ResvGuard<'_>> {
        self.lock_interruptible_for(|| Unlock::This)
    }

    /// As [`lock_killable`](Self::lock_killable), for who gives the guard to nobody who could
    /// forget it.
    #[inline]
    pub(in crate::dma_buf) fn lock_killable_here(&self) -> Result<ResvGuard<'_>> {
        self.lock_killable_for(|| Unlock::This)
    }

    #[inline]
    fn lock_interruptible_for(&self, unlock: impl FnOnce() -> Unlock) -> Result<ResvGuard<'_>> {
        let err = abi::dma_resv_lock_interruptible(self, None);
        if err != 0 {
            to_result(err)?;
        }
        // INVARIANT: As for `lock`.
        Ok(ResvGuard {
            resv: self,
            unlock: unlock(),
            _not_send: NotThreadSafe,
        })
    }

    #[inline]
    fn lock_killable_for(&self, unlock: impl Fn() -> Unlock) -> Result<ResvGuard<'_>> {
        loop {
            let result = self.lock_interruptible_for(&unlock);

            if result.is_ok() || abi::fatal_signal_pending(current!()) != 0 {
                return result;
            }
            // C has no such wait for these locks. With another signal pending, which ends each of
            // the other kind, one has to look again and again.
            abi::schedule_timeout_killable(1);
        }
    }

    /// Locks this object if nobody has it locked. Does not sleep, but needs process context.
    #[inline]
    pub fn try_lock(&self) -> Option<ResvGuard<'_>> {
        // INVARIANT: As for `lock`.
        abi::dma_resv_trylock(self).then(|| ResvGuard {
            resv: self,
            unlock: Unlock::this(),
            _not_send: NotThreadSafe,
        })
    }
}
