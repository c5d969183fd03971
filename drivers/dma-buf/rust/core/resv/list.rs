// SPDX-License-Identifier: GPL-2.0

//! The fences of a reservation object.

use self::memory::ListMut;
use super::{
    entry::{
        Slot,
        Tagged,
        Usage, //
    },
    layout::Held, //
};
use crate::fence::{
    has,
    is_done,
    put_here,
    Flag, //
};
use core::ptr;
use kernel::{
    dma_buf::{
        Fence,
        Resv, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    }, //
};

mod memory;

pub(super) use self::memory::{
    Entries,
    ListRef, //
};

/// An entry that cannot change because the reservation object is locked.
#[derive(Clone, Copy)]
pub(super) struct LockedEntry<'a> {
    pub(super) fence: &'a Fence,
    tagged: Tagged,
}

impl LockedEntry<'_> {
    #[inline(always)]
    pub(super) fn usage(&self) -> Usage {
        self.tagged.usage()
    }

    /// Whether nobody needs to wait for this any more once `new` is there, as far as one sees that
    /// without asking the issuer.
    #[inline(always)]
    fn is_obsolete(&self, new: &Fence, context: u64, usage: Usage) -> bool {
        let replaces = || {
            self.usage() >= usage
                && (ptr::eq(self.fence, new) || new.is_later_than(self.fence) == Some(true))
        };

        // What was done before the signal comes before the release of what takes the place.
        // MODEL: none, because the release of what takes the place comes after it.
        (self.fence.context() == context && replaces()) || has(self.fence, Flag::Signaled)
    }
}

/// An entry with its reference, which this owns.
struct OwnedEntry(Tagged);

impl OwnedEntry {
    /// Drops the reference.
    #[inline(always)]
    fn put(self) {
        // SAFETY: The reference is ours.
        put_here(unsafe { Fence::from_owned(self.0.fence()) });
    }
}

/// A list whose reservation object is locked, for looking at it.
///
/// # Invariants
///
/// Nobody changes the list during `'a`.
#[derive(Clone, Copy)]
pub(super) struct Locked<'a>(ListRef<'a>);

impl<'a> Locked<'a> {
    pub(super) fn of(held: &'a Held<'_>) -> Option<Self> {
        // INVARIANT: Who changes it needs `held` for itself.
        ListRef::locked(held).map(Self)
    }

    pub(super) fn len(self) -> u32 {
        self.0.locked_len()
    }

    pub(super) fn limit(self) -> u32 {
        self.0.limit()
    }

    #[inline(always)]
    pub(super) fn entry(self, index: u32) -> Option<LockedEntry<'a>> {
        let slot = self.0.locked_slots().get(index as usize);

        slot.map(|slot| self.read(slot))
    }

    #[inline(always)]
    fn read(self, slot: &'a Slot) -> LockedEntry<'a> {
        let tagged = slot.load();

        LockedEntry {
            // SAFETY: By the type invariant nobody drops the entry's reference.
            fence: unsafe { Fence::from_raw(tagged.fence()) },
            tagged,
        }
    }

    #[inline(always)]
    pub(super) fn entries(self) -> impl Iterator<Item = LockedEntry<'a>> {
        self.0
            .locked_slots()
            .iter()
            .map(move |slot| self.read(slot))
    }

    /// Those that are pending. Asks their issuers.
    #[inline(always)]
    fn pending(self, rcu: &rcu::Guard) -> impl Iterator<Item = LockedEntry<'a>> + use<'a, '_> {
        self.entries().filter(|entry| !is_done(entry.fence, rcu))
    }

    #[inline(always)]
    fn position(self, mut f: impl FnMut(LockedEntry<'a>) -> bool) -> Option<u32> {
        let slots = self.0.locked_slots();

        slots
            .iter()
            .position(|slot| f(self.read(slot)))
            .map(|index| index as u32)
    }

    /// How many are pending. Asks their issuers.
    #[inline(never)]
    pub(super) fn count_pending(self) -> u32 {
        let rcu = rcu::read_lock();

        self.pending(&rcu)
            .fold(0, |count, _| count.saturating_add(1))
    }

    /// The index of an entry that nobody needs to wait for any more once `new` is there, as far as
    /// one sees that without asking an issuer.
    #[inline(always)]
    pub(super) fn find_obsolete(self, new: &Fence, usage: Usage) -> Option<u32> {
        let context = new.context();

        self.position(|old| old.is_obsolete(new, context, usage))
    }

    /// The index of an entry whose issuer says that it is done, which is signalled then.
    #[cold]
    pub(super) fn find_done(self) -> Option<u32> {
        let rcu = rcu::read_lock();

        self.position(|old| is_done(old.fence, &rcu))
    }
}

/// A list whose reservation object is locked, for changing it.
pub(super) struct LockedMut<'a>(ListMut<'a>);

impl<'a> LockedMut<'a> {
    pub(super) fn of(held: &'a mut Held<'_>) -> Option<Self> {
        ListMut::locked(held).map(Self)
    }

    pub(super) fn get(&self) -> Locked<'_> {
        // INVARIANT: Who changes it needs `self` for itself.
        Locked(self.0.get())
    }

    #[cfg(CONFIG_DEBUG_MUTEXES)]
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.0.set_limit(limit);
    }

    /// Puts a fence in the place of another one, or of itself.
    #[inline(always)]
    pub(super) fn exchange(&mut self, index: u32, fence: &Fence, usage: Usage) {
        let Some(slot) = self.0.get().locked_slots().get(index as usize) else {
            return;
        };
        let old = slot.load();

        if ptr::eq(old.fence(), fence.as_raw()) {
            // With the reference that there is.
            slot.store(old.with_usage(usage));
        } else {
            slot.store(Tagged::new(fence.into(), usage));
            OwnedEntry(old).put();
        }
    }

    /// Adds an entry if one is left of those that were reserved. Returns `false` if not.
    #[inline(always)]
    pub(super) fn append(&mut self, fence: &Fence, usage: Usage) -> bool {
        let is_reserved = self.get().len() < self.get().limit();

        is_reserved && self.0.push(|| Tagged::new(fence.into(), usage))
    }
}

/// A list that no reservation object has.
///
/// # Invariants
///
/// The references of the entries are ours. The list is there until it is given away.
pub(super) struct ListBox(Option<ListMut<'static>>);

impl ListBox {
    /// An empty list with room for `count` entries, or for some more. Fails with `ENOMEM`. Sleeps.
    pub(super) fn new(count: u32) -> Result<Self> {
        ListMut::new(count, true).map(|list| Self(Some(list)))
    }

    /// As [`new`](Self::new), but does not sleep.
    pub(super) fn new_nowait(count: u32) -> Result<Self> {
        ListMut::new(count, false).map(|list| Self(Some(list)))
    }

    /// Adds an entry. Returns `false` if the list is full.
    pub(super) fn append(&mut self, fence: ARef<Fence>, usage: Usage) -> bool {
        self.0
            .as_mut()
            .is_some_and(|list| list.push(|| Tagged::new(fence, usage)))
    }
}

impl Drop for ListBox {
    #[inline]
    fn drop(&mut self) {
        if let Some(list) = self.0.take() {
            release(list, None);
        }
    }
}

/// Puts `new` in the place of the list, and drops what was there.
pub(super) fn replace(held: &mut Held<'_>, new: Option<ListBox>) {
    let new = new.and_then(|mut new| new.0.take());

    drop(ListBox(memory::swap(held, new)));
}

/// Drops what is in an object that goes away.
pub(super) fn clear(resv: &mut Resv) {
    drop(ListBox(memory::take(resv)));
}

/// Puts `new`, which has room for all there is, in the place of the list, and moves those entries
/// over that are pending.
pub(super) fn move_to(held: &mut Held<'_>, mut new: ListBox) {
    let mut list = new.0.take();

    // Two lists have the references that go over, until the old one is released without them. The
    // others stay with it: readers may be there until it has been replaced.
    if let (Some(list), Some(old)) = (&mut list, Locked::of(held)) {
        let rcu = rcu::read_lock();

        list.extend(old.pending(&rcu).map(|entry| entry.tagged));
    }
    if let Some(old) = memory::swap(held, list) {
        release(old, ListRef::locked(held));
    }
}

/// Frees `list`, and drops its references but for those that `heir` has got, in the same order.
fn release(list: ListMut<'static>, heir: Option<ListRef<'_>>) {
    let len = list.get().locked_len();
    let inherited = heir.map_or(0, ListRef::locked_len);

    if inherited != len {
        let kept = heir.map_or(&[][..], ListRef::locked_slots);
        let mut kept = kept.iter().map(Slot::load).peekable();

        for entry in list.get().locked_slots().iter().map(Slot::load) {
            if kept.next_if_eq(&entry).is_none() {
                // It goes with the list.
                OwnedEntry(entry).put();
            }
        }
    }
    list.free();
}
