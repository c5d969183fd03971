// SPDX-License-Identifier: GPL-2.0

//! Locking several reservation objects.
//!
//! C header: [`include/linux/ww_mutex.h`](srctree/include/linux/ww_mutex.h)

use super::{
    abi,
    holder::Holder,
    in_use::Ctx,
    lock::ResvGuard,
    object::Resv, //
};
use crate::{
    error::to_result,
    prelude::*, //
};
use core::mem::{
    self,
    MaybeUninit, //
};

/// What is needed to lock several [`Resv`] objects, in whatever order others lock them.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{AcquireCtx, Fence, Resv, Usage};
///
/// let a = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
/// let b = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
/// let resvs: [&Resv; 2] = [&a, &b];
///
/// let fence = Fence::stub();
/// let fence = fence.as_leaf().ok_or(EINVAL)?;
///
/// let mut locked = AcquireCtx::new()?.lock_all(&resvs)?;
/// for mut guard in locked.guards() {
///     guard.reserve_fences(1)?.add(fence, Usage::Write);
/// }
/// assert!(a.try_lock().is_none());
/// drop(locked);
/// assert!(a.try_lock().is_some());
///
/// // Both are the same one.
/// let resvs: [&Resv; 2] = [&a, &a];
/// assert_eq!(AcquireCtx::new()?.lock_all(&resvs).err(), Some(EALREADY));
/// # Ok::<(), Error>(())
/// ```
// The C structure is in an allocation of its own, because a lock that is held refers to it: if a
// `LockedResvs` is forgotten it has to stay.
pub struct AcquireCtx(KBox<MaybeUninit<Ctx>>);

impl AcquireCtx {
    /// Allocates a context. Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn new() -> Result<Self> {
        Ok(Self(KBox::new_uninit(GFP_KERNEL)?))
    }

    #[inline]
    pub(super) fn begin(self) -> KBox<Ctx> {
        Ctx::begin(self.0)
    }

    /// Locks all of `resvs`.
    ///
    /// If somebody else who locks several objects is in the way and was there first, this one lets
    /// go of everything, waits, and begins again with the object that was contended.
    ///
    /// Fails with `EALREADY` if an object is there twice. Sleeps. The task must not hold any other
    /// reservation object.
    #[inline]
    pub fn lock_all<'a>(self, resvs: &'a [&'a Resv]) -> Result<LockedResvs<'a>> {
        LockedResvs::new(self, resvs).lock_all(false)
    }

    /// As [`lock_all`](Self::lock_all), but a signal ends the wait with `EINTR`.
    #[inline]
    pub fn lock_all_interruptible<'a>(self, resvs: &'a [&'a Resv]) -> Result<LockedResvs<'a>> {
        LockedResvs::new(self, resvs).lock_all(true)
    }
}

/// Several [`Resv`] objects that are locked by this task. Dropping it unlocks them.
///
/// # Invariants
///
/// The first `locked` of `resvs` are locked with `ctx`, and so is the one at `ahead`, if there is
/// one, and nothing else.
///
/// What a lock refers to stays if this is forgotten: the context, and the task.
///
/// # Examples
///
/// See [`AcquireCtx`].
#[must_use = "the reservation objects are unlocked when this is dropped"]
pub struct LockedResvs<'a> {
    ctx: KBox<Ctx>,
    resvs: &'a [&'a Resv],
    locked: usize,
    ahead: Option<usize>,
    _holder: Holder,
}

impl<'a> LockedResvs<'a> {
    #[inline]
    fn new(ctx: AcquireCtx, resvs: &'a [&'a Resv]) -> Self {
        // INVARIANT: Nothing is locked.
        Self {
            ctx: ctx.begin(),
            resvs,
            locked: 0,
            ahead: None,
            _holder: Holder::current(),
        }
    }

    #[inline]
    fn lock_all(mut self, interruptible: bool) -> Result<Self> {
        while let Some(resv) = self.resvs.get(self.locked) {
            if self.ahead == Some(self.locked) {
                // INVARIANT: This one is locked already.
                self.ahead = None;
                self.locked += 1;
                continue;
            }

            match to_result(if interruptible {
                abi::dma_resv_lock_interruptible(resv, Some(&self.ctx))
            } else {
                abi::dma_resv_lock(resv, Some(&self.ctx))
            }) {
                // INVARIANT: Locked just above.
                Ok(()) => self.locked += 1,
                Err(EDEADLK) => self.back_off(resv, interruptible)?,
                Err(err) => return Err(err),
            }
        }

        abi::ww_acquire_done(&self.ctx);
        Ok(self)
    }

    /// Unlocks everything, and waits for `contended`, which is at `self.locked`.
    #[inline]
    fn back_off(&mut self, contended: &Resv, interruptible: bool) -> Result {
        let index = self.locked;
        self.unlock_all();

        if interruptible {
            to_result(abi::dma_resv_lock_slow_interruptible(contended, &self.ctx))?;
        } else {
            abi::dma_resv_lock_slow(contended, &self.ctx);
        }
        // INVARIANT: Locked just above.
        self.ahead = Some(index);
        Ok(())
    }

    #[inline]
    fn unlock_all(&mut self) {
        let (locked, ahead) = (mem::take(&mut self.locked), self.ahead.take());

        for (index, resv) in self.resvs.iter().enumerate() {
            if index < locked || ahead == Some(index) {
                // SAFETY: By the type invariant this one was locked with our context.
                unsafe { abi::unlock(resv) };
            }
        }
    }

    /// The guards of the objects, in the order in which these were given.
    #[inline]
    pub fn guards(&mut self) -> impl ExactSizeIterator<Item = ResvGuard<'_>> {
        self.resvs.iter().map(|resv| {
            // SAFETY: All are locked, by this task and only by us, and stay so at least for as long
            // as `self` is borrowed. No object is there twice.
            unsafe { ResvGuard::borrowed(resv) }
        })
    }

    /// The guard of the object at `index`.
    #[inline]
    pub fn guard(&mut self, index: usize) -> Option<ResvGuard<'_>> {
        self.guards().nth(index)
    }
}

impl Drop for LockedResvs<'_> {
    #[inline]
    fn drop(&mut self) {
        // Before the context goes.
        self.unlock_all();
    }
}
