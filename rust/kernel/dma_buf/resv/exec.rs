// SPDX-License-Identifier: GPL-2.0

//! Locking what turns out to be needed.
//!
//! C header: [`include/drm/drm_exec.h`](srctree/include/drm/drm_exec.h), which does the same for
//! GEM objects

use super::{
    acquire::AcquireCtx,
    exec_slots::ExecSlots,
    lock::ResvGuard,
    locks::{
        Locked,
        Locks, //
    },
    object::Resv,
    reference::ResvHandle, //
};
use crate::prelude::*;

impl AcquireCtx {
    /// Calls `f`, which locks what it needs, until all of it is locked.
    ///
    /// If somebody else is in the way who began earlier, what `f` calls fails with `EDEADLK`, which
    /// `f` hands on. Everything is then unlocked, the object that was contended is waited for and
    /// locked, and `f` is called again. It has to begin from the beginning, since others may have
    /// had what was unlocked meanwhile; but may lock other objects than before.
    ///
    /// Fails with any other error that `f` returns, unless something was contended: `f` is called
    /// again then, whatever it has returned. When this fails everything is unlocked. Sleeps. The
    /// task must not hold any other reservation object.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{
    ///     dma_buf::{AcquireCtx, DmaBuf, DriverFence, FenceContext, FenceContextOps, Usage},
    ///     prelude::*,
    ///     sync::aref::ARef,
    /// };
    ///
    /// struct Ring;
    ///
    /// impl FenceContextOps for Ring {
    ///     type FenceDataType = ();
    /// }
    ///
    /// /// A job that reads some buffers and writes to others. The same may be there twice.
    /// fn submit<'a>(
    ///     ring: &'a FenceContext<Ring>,
    ///     bufs: &[(ARef<DmaBuf>, Usage)],
    /// ) -> Result<DriverFence<'a, Ring>> {
    ///     let memory = ring.new_fence_allocation(())?;
    ///
    ///     let mut locked = AcquireCtx::new()?.until_all_locked_interruptible(|exec| {
    ///         bufs.iter().try_for_each(|(buf, _)| exec.prepare(buf, 1))
    ///     })?;
    ///     // The last thing that may fail: the room may have been used since.
    ///     let mut slots = locked.slots()?;
    ///
    ///     let job = memory.new_fence();
    ///     for (buf, usage) in bufs {
    ///         slots.add(buf.resv(), job.as_leaf(), *usage);
    ///     }
    ///     Ok(job)
    /// }
    /// ```
    #[inline]
    pub fn until_all_locked(self, f: impl FnMut(&mut Exec) -> Result) -> Result<LockedExec> {
        self.run(false, f)
    }

    /// As [`until_all_locked`](Self::until_all_locked), but a signal ends each wait with `EINTR`.
    #[inline]
    pub fn until_all_locked_interruptible(
        self,
        f: impl FnMut(&mut Exec) -> Result,
    ) -> Result<LockedExec> {
        self.run(true, f)
    }

    #[inline]
    fn run(
        self,
        interruptible: bool,
        mut f: impl FnMut(&mut Exec) -> Result,
    ) -> Result<LockedExec> {
        let mut exec = Exec(Locks::new(self.begin(), interruptible));

        loop {
            let result = f(&mut exec);

            // Whatever `f` makes of it: what it wanted is not locked.
            if !exec.0.back_off()? {
                result?;
                break;
            }
        }
        exec.0.done();
        Ok(LockedExec(exec.0))
    }
}

/// Objects that are being locked by this task, see [`AcquireCtx::until_all_locked`].
///
/// It has references to them. When all is done these are dropped with nothing locked, so that what
/// goes with the last one may lock something.
pub struct Exec(Locks);

impl Exec {
    /// Locks an object. Nothing happens if it is locked already, which is also so if another object
    /// was locked that has the same reservation object.
    ///
    /// Fails with `EDEADLK` if `f` has to return, with `EALREADY` if this task has it locked in
    /// another way, with `EINTR` or with `ENOMEM`. Sleeps.
    #[inline]
    pub fn lock(&mut self, object: &impl ResvHandle) -> Result {
        self.0.lock(object).map(|_| ())
    }

    /// As [`lock`](Self::lock), and makes room for `fences` more fences than was made here before,
    /// which [`LockedExec::slots`] gives. Fails with `ENOMEM` also if they are too many.
    #[inline]
    pub fn prepare(&mut self, object: &impl ResvHandle, fences: u32) -> Result {
        self.0.lock(object)?.reserve(fences)
    }

    /// As [`lock`](Self::lock), but fails with `EBUSY` if somebody else has the object locked. Does
    /// not wait.
    ///
    /// For objects that could as well be others, such as those that are to make room for what is
    /// locked already.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::{AcquireCtx, Exec, Resv}, prelude::*, sync::Arc};
    ///
    /// /// Moves the first away that nobody uses.
    /// fn evict(exec: &mut Exec, lru: &[Arc<Resv>]) -> Result {
    ///     for candidate in lru {
    ///         if exec.guard(candidate).is_some() {
    ///             continue; // The job needs it, too.
    ///         }
    ///         match exec.try_lock(candidate) {
    ///             Ok(()) => {
    ///                 drop(exec.guard(candidate)); // What moves it needs the guard.
    ///                 exec.unlock(candidate);
    ///                 return Ok(());
    ///             }
    ///             Err(EBUSY) => {}
    ///             Err(err) => return Err(err),
    ///         }
    ///     }
    ///     Err(ENOSPC)
    /// }
    ///
    /// let new = || Arc::pin_init(Resv::new(), GFP_KERNEL);
    /// let lru = [new()?, new()?];
    ///
    /// let locked = AcquireCtx::new()?.until_all_locked(|exec| {
    ///     exec.lock(&lru[0])?;
    ///     evict(exec, &lru)
    /// })?;
    /// assert!(lru[0].try_lock().is_none());
    /// assert!(lru[1].try_lock().is_some());
    /// drop(locked);
    /// assert!(lru[0].try_lock().is_some());
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn try_lock(&mut self, object: &impl ResvHandle) -> Result {
        self.0.try_lock(object).map(|_| ())
    }

    /// The guard of an object that was locked here.
    #[inline]
    pub fn guard(&mut self, resv: &Resv) -> Option<ResvGuard<'_>> {
        self.0.get(resv).map(Locked::guard)
    }

    /// Unlocks an object again. Returns whether it was locked here.
    #[inline]
    pub fn unlock(&mut self, resv: &Resv) -> bool {
        self.0.get(resv).map(Locked::unlock).is_some()
    }

    /// Whether an object was contended, so that nothing more can be locked and `f` has to return.
    #[inline]
    pub fn is_contended(&self) -> bool {
        self.0.is_contended()
    }
}

/// Objects that are locked by this task. Dropping it unlocks them.
///
/// # Examples
///
/// See [`AcquireCtx::until_all_locked`].
#[must_use = "the reservation objects are unlocked when this is dropped"]
pub struct LockedExec(Locks);

impl LockedExec {
    /// The guard of an object that is locked.
    #[inline]
    pub fn guard(&mut self, resv: &Resv) -> Option<ResvGuard<'_>> {
        self.0.get(resv).map(Locked::guard)
    }

    /// The guards of all reservation objects, each once, in any order.
    #[inline]
    pub fn guards(&mut self) -> impl Iterator<Item = ResvGuard<'_>> {
        self.0.iter().map(Locked::guard)
    }

    /// Unlocks one object before the others. Returns whether it was locked.
    #[inline]
    pub fn unlock(&mut self, resv: &Resv) -> bool {
        self.0.get(resv).map(Locked::unlock).is_some()
    }

    /// The room for fences that was [prepared](Exec::prepare).
    ///
    /// Whoever has had a guard in the meantime may have used it: an exporter that has mapped, for
    /// instance. Then more is made, which may fail with `ENOMEM`. As long as the result exists
    /// nobody has one. May sleep.
    #[inline]
    pub fn slots(&mut self) -> Result<ExecSlots<'_>> {
        ExecSlots::new(&mut self.0)
    }
}
