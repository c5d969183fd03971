// SPDX-License-Identifier: GPL-2.0

//! What may be done with a reservation object that is locked.

use super::*;
use crate::{
    dma_buf::fence::{
        as_seq_file,
        FenceContext, //
    },
    seq_file::SeqFile, //
};

/// Proof that a [`Resv`] is locked by this task. Dropping it unlocks, unless the object was locked
/// together with others: then it is they that unlock ([`LockedResvs`]).
///
/// # Invariants
///
/// `resv` is locked by the current task, and stays locked for `'a`. There is no other guard for it
/// that can be used at the same time. If `unlock` is set the object is unlocked only by this guard.
///
/// # Examples
///
/// See [`Resv`].
#[must_use = "the reservation object is unlocked when the guard is dropped"]
pub struct ResvGuard<'a> {
    resv: &'a Resv,
    unlock: bool,
    // A mutex is unlocked by the task that locked it.
    _not_send: NotThreadSafe,
}

impl<'a> ResvGuard<'a> {
    /// # Safety
    ///
    /// The current task has locked `resv`, and does not unlock it by other means.
    #[inline]
    pub(super) unsafe fn new(resv: &'a Resv) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self {
            resv,
            unlock: true,
            _not_send: NotThreadSafe,
        }
    }

    /// # Safety
    ///
    /// The current task has locked `resv`, it stays locked for `'a`, and this is the only guard for
    /// it meanwhile.
    #[inline]
    pub(in crate::dma_buf) unsafe fn borrowed(resv: &'a Resv) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self {
            resv,
            unlock: false,
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
            unlock: false,
            _not_send: NotThreadSafe,
        }
    }

    /// The fences of `usage`, signalled or not.
    ///
    /// Borrows the guard exclusively: whoever gets hold of it meanwhile, an exporter that maps for
    /// instance, may put fences in the place of those that are being looked at.
    #[inline]
    pub fn fences(&mut self, usage: Usage) -> Fences<'_> {
        // SAFETY: By the type invariant the object is locked, and nobody else has a guard for it as
        // long as the iterator, or what it has given, is there.
        unsafe { Fences::new(self.resv.as_raw(), usage.as_raw()) }
    }

    /// Makes room for `count` more fences.
    ///
    /// Fails with `EINVAL` if there are too many, and with `ENOMEM`. May sleep.
    #[inline]
    pub fn reserve_slots(&mut self, count: u32) -> Result<Slots<'_>> {
        // The sum with what is there must not overflow, or there would be less room than promised.
        if c_int::try_from(count).is_err() {
            return Err(EINVAL);
        }
        if count > 0 {
            // SAFETY: By the type invariant the object is locked.
            to_result(unsafe { bindings::dma_resv_reserve_fences(self.resv.as_raw(), count) })?;
        }
        // INVARIANT: Reserved just above; the lock is held until after the slots are gone.
        Ok(Slots {
            resv: self.resv,
            left: count,
        })
    }

    /// Puts `replacement` in the place of all fences of `context`, which is one of the caller's: to
    /// take away what others have put there would make them think that memory is idle.
    ///
    /// Only right if what these fences stand for cannot access the buffer any more once
    /// `replacement` is signalled. May be called while fences are waited for. Fails with `EINVAL`
    /// if `replacement` is a container.
    #[inline]
    pub fn replace_fences(
        &mut self,
        context: &FenceContext,
        replacement: &Fence,
        usage: Usage,
    ) -> Result {
        // One that is made of what is here, again and again, would nest without bound.
        if replacement.is_container() {
            return Err(EINVAL);
        }
        // SAFETY: By the type invariant; the call takes references of its own.
        unsafe {
            bindings::dma_resv_replace_fences(
                self.resv.as_raw(),
                context.id(),
                replacement.as_raw(),
                usage.as_raw(),
            )
        };
        Ok(())
    }

    /// Writes one line about each fence, except those of [`Usage::Bookkeep`].
    #[inline]
    pub fn describe(&self, m: &SeqFile) {
        // SAFETY: By the type invariant the object is locked.
        unsafe { bindings::dma_resv_describe(self.resv.as_raw(), as_seq_file(m)) };
    }
}

impl Drop for ResvGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.unlock {
            // SAFETY: By the type invariant this guard is the one to unlock.
            unsafe { bindings::dma_resv_unlock(self.resv.as_raw()) };
        }
    }
}

/// Room for fences in a locked [`Resv`].
///
/// # Invariants
///
/// The object is locked for `'a` and has room for at least `left` more fences, besides those that a
/// [`Slot`] was taken for.
///
/// # Examples
///
/// See [`Resv`].
pub struct Slots<'a> {
    resv: &'a Resv,
    left: u32,
}

impl<'a> Slots<'a> {
    /// Takes the room for one fence; `None` if all slots are used up.
    #[inline]
    pub fn take(&mut self) -> Option<Slot<'a>> {
        // INVARIANT: The new slot has what is not counted here any more.
        self.left = self.left.checked_sub(1)?;
        Some(Slot { resv: self.resv })
    }

    /// Adds `fence`, or gives back `false` if all slots are used up. Cannot fail otherwise.
    ///
    /// As [`Slot::add`].
    #[inline]
    pub fn add(&mut self, fence: &LeafFence, usage: Usage) -> bool {
        self.take().map(|slot| slot.add(fence, usage)).is_some()
    }
}

/// Room for one fence in a locked [`Resv`].
///
/// # Invariants
///
/// The object is locked for `'a` and has room for one more fence than other slots stand for.
///
/// # Examples
///
/// See [`Resv`].
pub struct Slot<'a> {
    resv: &'a Resv,
}

impl Slot<'_> {
    /// Adds `fence`. Does not sleep.
    ///
    /// An earlier fence of the same context, or a signalled one, makes room for it. A container is
    /// [unwrapped](Fence::unwrap) before, and its fences are added one by one.
    #[inline]
    pub fn add(self, fence: &LeafFence, usage: Usage) {
        // SAFETY: By the type invariant; a fence takes one slot at most. The call takes a reference
        // of its own.
        unsafe { bindings::dma_resv_add_fence(self.resv.as_raw(), fence.as_raw(), usage.as_raw()) };
    }
}
