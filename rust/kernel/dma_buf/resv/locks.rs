// SPDX-License-Identifier: GPL-2.0

//! A set of reservation objects, and which of them are locked.

use super::{
    abi,
    guard::{
        Slot,
        Slots, //
    },
    holder::Holder,
    in_use::{
        Ctx,
        Held, //
    },
    lock::ResvGuard,
    object::Resv,
    reference::{
        Reference,
        ResvHandle, //
    }, //
};
use crate::{
    error::to_result,
    prelude::*,
    rbtree::{
        self,
        RBTree,
        RBTreeNodeReservation, //
    }, //
};
use core::ptr;

/// What has become of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unlocked,
    /// Locked because it was contended, and not asked for since.
    Ahead,
    Locked,
}

/// An object of a set.
///
/// # Invariants
///
/// Unless `state` says `Unlocked` the object is locked by this task, with the context of the set,
/// and is unlocked only here.
pub(super) struct Entry {
    reference: Reference,
    state: State,
    /// How many fences room was made for.
    slots: u32,
}

impl Entry {
    #[inline]
    fn locked(&mut self) -> Option<Locked<'_>> {
        // INVARIANT: That was looked at.
        (self.state == State::Locked).then_some(Locked(self))
    }

    #[inline]
    fn unlock(&mut self) {
        self.slots = 0;
        if self.state != State::Unlocked {
            // INVARIANT: Unlocked just below.
            self.state = State::Unlocked;
            // SAFETY: By the type invariant it was locked, and nobody else unlocks it.
            unsafe { abi::unlock(self.reference.resv()) };
        }
    }
}

/// An object of a set that is locked, and that was asked for.
///
/// # Invariants
///
/// The state of the entry is `Locked`.
pub(super) struct Locked<'a>(&'a mut Entry);

impl<'a> Locked<'a> {
    #[inline]
    fn held(&mut self) -> Held<'_> {
        // INVARIANT: It is locked, and the entry, which whoever does something needs, is borrowed.
        Held(self.0.reference.resv())
    }

    #[inline]
    pub(super) fn guard(self) -> ResvGuard<'a> {
        // SAFETY: By the type invariants it is locked by this task. No other entry is for the same
        // object, and this one is borrowed exclusively for `'a`, as it is by whoever unlocks.
        unsafe { ResvGuard::borrowed(self.0.reference.resv()) }
    }

    #[inline]
    pub(super) fn unlock(self) {
        self.0.unlock();
    }

    /// Makes room for `count` fences more than was asked for already.
    #[inline]
    pub(super) fn reserve(&mut self, count: u32) -> Result {
        let slots = self.0.slots.checked_add(count).ok_or(ENOMEM)?;

        Slots::reserve(self.held(), slots)?;
        self.0.slots = slots;
        Ok(())
    }

    #[inline]
    pub(super) fn has_slots(&self) -> bool {
        self.0.slots != 0
    }

    /// Takes the room for one fence. Nobody may have had the object since it was
    /// [reserved](Self::reserve).
    #[inline]
    pub(super) fn into_slot(self) -> Option<Slot<'a>> {
        self.0.slots = self.0.slots.checked_sub(1)?;
        // INVARIANT: As in `held`, for as long as the entry is borrowed.
        Slots::reserved(Held(self.0.reference.resv()), 1).take()
    }
}

/// A set of objects. Dropping it unlocks them, and then lets go of them.
///
/// # Invariants
///
/// What `entries` say is locked is locked with `ctx`, and nothing else is. The entry of an object
/// is found by its address, so that there is one at most.
///
/// The set owns all that a lock refers to, in allocations of their own: if it is forgotten, the
/// objects stay locked and are there for ever, as is the context, and the task.
pub(super) struct Locks {
    // Dropped in this order: what goes with the last reference may want to lock something.
    ctx: KBox<Ctx>,
    entries: RBTree<usize, Entry>,
    contended: Option<usize>,
    interruptible: bool,
    _holder: Holder,
}

impl Locks {
    #[inline]
    pub(super) fn new(ctx: KBox<Ctx>, interruptible: bool) -> Self {
        // INVARIANT: Nothing is locked.
        Self {
            ctx,
            entries: RBTree::new(),
            contended: None,
            interruptible,
            _holder: Holder::current(),
        }
    }

    #[inline]
    fn key(resv: &Resv) -> usize {
        ptr::from_ref(resv).addr()
    }

    /// Locks an object in the one way or the other, unless that is done.
    #[inline]
    fn lock_by(
        &mut self,
        handle: &impl ResvHandle,
        lock: impl FnOnce(&Resv, &Ctx) -> Result,
    ) -> Result<Locked<'_>> {
        // Everything has to be unlocked first.
        if self.contended.is_some() {
            return Err(EDEADLK);
        }
        let reference = Reference::to(handle);
        let key = Self::key(reference.resv());

        let entry = match self.entries.entry(key) {
            rbtree::Entry::Occupied(entry) => entry.into_mut(),
            rbtree::Entry::Vacant(entry) => {
                let memory = RBTreeNodeReservation::new(GFP_KERNEL)?;

                // INVARIANT: It is not locked.
                entry.insert(
                    Entry {
                        reference,
                        state: State::Unlocked,
                        slots: 0,
                    },
                    memory,
                )
            }
        };
        if entry.state == State::Unlocked {
            let resv = entry.reference.resv();

            // By another set or alone: the task would wait for itself.
            // MODEL: none, because only this task makes itself the owner, or ends that.
            if abi::dma_resv_is_ours(resv) {
                return Err(EALREADY);
            }
            lock(resv, &self.ctx).inspect_err(|err| {
                if *err == EDEADLK {
                    self.contended = Some(key);
                }
            })?;
        }
        // INVARIANT: Locked just above, or before.
        entry.state = State::Locked;
        Ok(Locked(entry))
    }

    #[inline]
    pub(super) fn lock(&mut self, handle: &impl ResvHandle) -> Result<Locked<'_>> {
        let interruptible = self.interruptible;

        self.lock_by(handle, |resv, ctx| {
            to_result(if interruptible {
                abi::dma_resv_lock_interruptible(resv, Some(ctx))
            } else {
                abi::dma_resv_lock(resv, Some(ctx))
            })
        })
    }

    #[inline]
    pub(super) fn try_lock(&mut self, handle: &impl ResvHandle) -> Result<Locked<'_>> {
        self.lock_by(handle, |resv, ctx| {
            if abi::dma_resv_trylock_ctx(resv, ctx) {
                Ok(())
            } else {
                Err(EBUSY)
            }
        })
    }

    #[inline]
    pub(super) fn get(&mut self, resv: &Resv) -> Option<Locked<'_>> {
        self.entries.get_mut(&Self::key(resv))?.locked()
    }

    /// What is locked and was asked for.
    #[inline]
    pub(super) fn iter(&mut self) -> impl Iterator<Item = Locked<'_>> {
        self.entries.values_mut().filter_map(Entry::locked)
    }

    #[inline]
    pub(super) fn is_contended(&self) -> bool {
        self.contended.is_some()
    }

    #[inline]
    fn unlock_all(&mut self) {
        self.entries.values_mut().for_each(Entry::unlock);
    }

    /// If an object was contended: unlocks everything, and waits for that one. Returns whether it
    /// was.
    #[inline]
    pub(super) fn back_off(&mut self) -> Result<bool> {
        let Some(key) = self.contended.take() else {
            return Ok(false);
        };

        self.unlock_all();
        if let Some(entry) = self.entries.get_mut(&key) {
            let resv = entry.reference.resv();

            if self.interruptible {
                to_result(abi::dma_resv_lock_slow_interruptible(resv, &self.ctx))?;
            } else {
                abi::dma_resv_lock_slow(resv, &self.ctx);
            }
            // INVARIANT: Locked just above.
            entry.state = State::Ahead;
        }
        Ok(true)
    }

    /// Nothing more will be locked: unlocks what was locked ahead and never asked for.
    #[inline]
    pub(super) fn done(&mut self) {
        for entry in self.entries.values_mut() {
            if entry.state == State::Ahead {
                entry.unlock();
            }
        }
        abi::ww_acquire_done(&self.ctx);
    }
}

impl Drop for Locks {
    #[inline]
    fn drop(&mut self) {
        // Before the context goes.
        self.unlock_all();
    }
}
