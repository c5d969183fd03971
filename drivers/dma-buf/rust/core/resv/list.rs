// SPDX-License-Identifier: GPL-2.0

//! The fences of a reservation object.

use self::memory::ListMut;
use super::{
    entry::{
        Tagged,
        Usage, //
    },
    layout::Held, //
};
use core::ptr;
use kernel::{
    dma_buf::{
        Fence,
        Resv, //
    },
    prelude::*,
    sync::aref::ARef, //
};

mod memory;

pub(super) use self::memory::ListRef;

/// An entry that cannot change because the reservation object is locked.
#[derive(Clone, Copy)]
pub(super) struct LockedEntry<'a> {
    pub(super) fence: &'a Fence,
    tagged: Tagged,
}

impl LockedEntry<'_> {
    pub(super) fn usage(&self) -> Usage {
        self.tagged.usage()
    }

    /// Whether nobody needs to wait for this any more once `new` is there.
    pub(super) fn is_superseded_by(&self, new: &Fence, usage: Usage) -> bool {
        let replaces = || {
            self.usage() >= usage
                && self.fence.context() == new.context()
                && (ptr::eq(self.fence, new) || new.is_later_than(self.fence) == Some(true))
        };

        replaces() || self.fence.is_done()
    }
}

/// An entry with its reference, which this owns.
struct OwnedEntry(Tagged);

impl Drop for OwnedEntry {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        drop(unsafe { Fence::from_owned(self.0.fence()) });
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

    pub(super) fn entry(self, index: u32) -> Option<LockedEntry<'a>> {
        self.0.tagged(index).map(|tagged| LockedEntry {
            // SAFETY: By the type invariant nobody drops the entry's reference.
            fence: unsafe { Fence::from_raw(tagged.fence()) },
            tagged,
        })
    }

    pub(super) fn entries(self) -> impl Iterator<Item = LockedEntry<'a>> {
        (0..self.len()).map_while(move |index| self.entry(index))
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

    /// Puts a fence in the place of another one.
    pub(super) fn exchange(&mut self, index: u32, fence: &Fence, usage: Usage) {
        let new = Tagged::new(fence.into(), usage);

        // If there was no entry, this one goes as it has come.
        drop(OwnedEntry(self.0.replace(index, new).unwrap_or(new)));
    }

    /// Adds an entry if one is left of those that were reserved. Returns `false` if not.
    pub(super) fn append(&mut self, fence: &Fence, usage: Usage) -> bool {
        let is_reserved = self.get().len() < self.get().limit();

        is_reserved && append(&mut self.0, fence.into(), usage)
    }
}

/// Adds an entry. Returns `false` if the list is full.
fn append(list: &mut ListMut<'_>, fence: ARef<Fence>, usage: Usage) -> bool {
    let entry = Tagged::new(fence, usage);
    let added = list.push(entry);

    if !added {
        drop(OwnedEntry(entry));
    }
    added
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
            .is_some_and(|list| append(list, fence, usage))
    }
}

impl Drop for ListBox {
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
    for entry in Locked::of(held).into_iter().flat_map(Locked::entries) {
        if !entry.fence.is_done() {
            list.as_mut().map(|list| list.push(entry.tagged));
        }
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
        let mut seen = 0;
        for entry in (0..len).map_while(|index| list.get().tagged(index)) {
            if seen < inherited && heir.and_then(|heir| heir.tagged(seen)) == Some(entry) {
                seen += 1;
            } else {
                // It goes with the list.
                drop(OwnedEntry(entry));
            }
        }
    }
    list.free();
}
