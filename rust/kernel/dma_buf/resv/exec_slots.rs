// SPDX-License-Identifier: GPL-2.0

//! Room for the fences of many reservation objects.

use super::{
    guard::Slot,
    locks::Locks,
    object::Resv,
    usage::Usage, //
};
use crate::{
    dma_buf::dma_fence::LeafFence,
    prelude::*, //
};

/// Room for fences in objects that are locked together, see
/// [`LockedExec::slots`](super::LockedExec::slots). What uses it cannot fail.
///
/// # Invariants
///
/// As long as this exists nobody else does anything with the objects. Each has room for as many
/// fences as its entry says.
///
/// # Examples
///
/// See [`AcquireCtx::until_all_locked`](super::AcquireCtx::until_all_locked).
pub struct ExecSlots<'a>(&'a mut Locks);

impl<'a> ExecSlots<'a> {
    #[inline]
    pub(super) fn new(locks: &'a mut Locks) -> Result<Self> {
        for mut locked in locks.iter() {
            if locked.has_slots() {
                locked.reserve(0)?;
            }
        }
        // INVARIANT: Reserved just above.
        Ok(Self(locks))
    }

    /// Takes the room for one fence; `None` if all slots of the object are used up, or if it is not
    /// locked.
    #[inline]
    pub fn take(&mut self, resv: &Resv) -> Option<Slot<'_>> {
        self.0.get(resv)?.into_slot()
    }

    /// Adds `fence` to an object, or gives back `false` if there is no slot. Cannot fail otherwise.
    ///
    /// As [`Slot::add`].
    #[inline]
    pub fn add(&mut self, resv: &Resv, fence: &LeafFence, usage: Usage) -> bool {
        self.take(resv).map(|slot| slot.add(fence, usage)).is_some()
    }

    /// Adds `fence` to each object that has a slot.
    #[inline]
    pub fn add_to_all(&mut self, fence: &LeafFence, usage: Usage) {
        self.0
            .iter()
            .filter_map(|locked| locked.into_slot())
            .for_each(|slot| slot.add(fence, usage));
    }
}
