// SPDX-License-Identifier: GPL-2.0

//! A list in memory, where it is found, and what of it may be looked at by whom.
//!
//! What C calls `struct dma_resv_list`, and knows nothing of.

use super::super::{
    entry::{
        Slot,
        Tagged,
        Usage, //
    },
    layout::{
        self,
        Held, //
    }, //
};
use crate::{
    fence::{
        self,
        Missed,
        Wanted, //
    },
    kmalloc, //
};
use core::{
    marker::PhantomData,
    mem::offset_of,
    ptr::{
        self,
        NonNull, //
    },
    slice, //
};
use kernel::{
    bindings::{
        self,
        callback_head,
        dma_resv_list, //
    },
    dma_buf::{
        Fence,
        Resv, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        rcu, //
    },
    types::Opaque, //
};

/// What comes before the slots of a list. It is as short as C's: drivers live on the room that is
/// left when the size is rounded up.
///
/// What only the owner of the lock looks at lies where RCU has its head once the list is given up:
/// after that there is no owner.
///
/// # Invariants
///
/// `capacity` slots follow, of which the first `len` are entries with a reference each. `len` never
/// becomes less.
#[repr(C)]
struct Header {
    /// How many entries have been reserved in all. For the owner of the lock.
    limit: Atomic<u32>,
    /// For the owner of the lock.
    capacity: Atomic<u32>,
    _rcu: Opaque<[u8; size_of::<callback_head>() - 2 * size_of::<u32>()]>,
    len: Atomic<u32>,
    /// Tells the list from another one in the same memory, for as long as less than two thousand
    /// million are made in between.
    generation: u32,
}

/// Where the slots begin.
const SLOTS: usize = size_of::<Header>();

const _: () = assert!(offset_of!(Header, len) == size_of::<callback_head>());
const _: () = assert!(SLOTS % align_of::<Slot>() == 0);

/// The next list's generation. Odd, so that no list has zero.
static GENERATION: Atomic<u32> = Atomic::new(1);

/// Which slots one may look at.
#[derive(Clone, Copy)]
enum Within {
    /// Those that are entries.
    Len,
    /// The same, for who changes the list, or keeps others from that.
    LockedLen,
    /// All. Only for who changes the list.
    Capacity,
}

/// A list as its readers see it.
///
/// # Invariants
///
/// The list is valid for `'a`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct ListRef<'a> {
    header: NonNull<Header>,
    _p: PhantomData<&'a Header>,
}

impl<'a> ListRef<'a> {
    /// The list of `resv` for readers.
    pub(in super::super) fn read(resv: &Resv, _rcu: &'a rcu::Guard) -> Option<Self> {
        // Pairs with the release in `replace()`: the address orders what is read of the list.
        // INVARIANT: A list that has been replaced stays for an RCU grace period.
        // MODEL: resv-list, resv-list-changed, resv-list-free, resv-generation, resv-moved
        Self::of(layout::list(resv).load(Relaxed))
    }

    /// The list for the owner of the lock.
    pub(super) fn locked(held: &'a Held<'_>) -> Option<Self> {
        // INVARIANT: Nobody replaces the list.
        // MODEL: resv-list-head
        Self::of(layout::list(held.resv()).load(Relaxed))
    }

    /// How many entries there are, for who changes the list, or keeps others from that.
    pub(super) fn locked_len(self) -> u32 {
        // MODEL: resv-list-head
        self.header().len.load(Relaxed)
    }

    /// How many entries have been reserved in all. As [`locked_len`](Self::locked_len).
    pub(super) fn limit(self) -> u32 {
        // MODEL: resv-list-head
        self.header().limit.load(Relaxed)
    }

    /// Of what is to become the list of a reservation object, or is or was that of one.
    fn of(list: *mut dma_resv_list) -> Option<Self> {
        NonNull::new(list.cast()).map(|header| Self {
            header,
            _p: PhantomData,
        })
    }

    fn header(&self) -> &'a Header {
        // SAFETY: By the type invariant.
        unsafe { self.header.as_ref() }
    }

    /// Identifies the list. Not NULL, and not an address: another list may get that.
    pub(in super::super) fn id(self) -> *mut dma_resv_list {
        ptr::without_provenance_mut(self.header().generation as usize)
    }

    pub(in super::super) fn len(self) -> u32 {
        // Pairs with the release in `push()`: what is counted is there.
        // MODEL: resv-count, resv-list-head
        self.header().len.load(Acquire)
    }

    #[inline(always)]
    fn slots(self, within: Within) -> &'a [Slot] {
        let count = match within {
            Within::Len => self.len(),
            Within::LockedLen => self.locked_len(),
            // MODEL: resv-list-head
            Within::Capacity => self.header().capacity.load(Relaxed),
        };

        // SAFETY: By the invariant of `Header` the slots are in the list's memory. They are only
        // written before they are entries.
        unsafe {
            let first = self.header.as_ptr().byte_add(SLOTS).cast();

            slice::from_raw_parts(first, count as usize)
        }
    }

    /// What the entries say, for who changes the list, or keeps others from that.
    #[inline(always)]
    pub(super) fn locked_slots(self) -> &'a [Slot] {
        self.slots(Within::LockedLen)
    }

    /// The first `count` entries, or all if there are fewer.
    #[inline(always)]
    pub(in super::super) fn entries(self, count: u32) -> Entries<'a> {
        let slots = self.slots(Within::Len);

        Entries(slots.get(..count as usize).unwrap_or(slots))
    }
}

/// The entries as readers see them.
#[derive(Clone, Copy)]
pub(in super::super) struct Entries<'a>(&'a [Slot]);

impl<'a> Entries<'a> {
    /// The entry at `index`, if there is one.
    #[inline(always)]
    pub(in super::super) fn get(self, index: usize) -> Option<Entry<'a>> {
        // INVARIANT: It has a reference, or had one until the list was replaced.
        self.0
            .get(index)
            .map(|slot| Entry(slot.load(), PhantomData))
    }
}

/// An entry as readers see it.
///
/// # Invariants
///
/// There was a reference to the fence at a time in `'a`, all of which is within RCU or under the
/// lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Entry<'a>(Tagged, PhantomData<&'a Fence>);

impl Entry<'_> {
    pub(in super::super) fn usage(self) -> Usage {
        self.0.usage()
    }

    /// Takes a reference, unless the fence is signalled or the last one is gone. What this is about
    /// may have been made in the same memory after the entry was replaced.
    #[inline(always)]
    pub(in super::super) fn get(self, rcu: &rcu::Guard) -> Result<ARef<Fence>, Missed> {
        // SAFETY: By the type invariant RCU keeps the fence's memory. No entry is NULL.
        unsafe {
            let fence = NonNull::new_unchecked(self.0.fence());

            fence::get_unless_zero(fence, Wanted::Pending, rcu)
        }
    }
}

/// A list for the one who changes it.
///
/// # Invariants
///
/// Nobody else changes the list during `'a`: it is the list of a reservation object that is locked,
/// or of none, when only readers within RCU know of it.
pub(super) struct ListMut<'a>(ListRef<'a>);

impl<'a> ListMut<'a> {
    /// The list for the owner of the lock.
    pub(super) fn locked(held: &'a mut Held<'_>) -> Option<Self> {
        // INVARIANT: Locked.
        ListRef::locked(held).map(Self)
    }

    pub(super) fn get(&self) -> ListRef<'_> {
        self.0
    }

    #[cfg(CONFIG_DEBUG_MUTEXES)]
    pub(super) fn set_limit(&mut self, limit: u32) {
        // MODEL: resv-list-head
        self.0.header().limit.store(limit, Relaxed);
    }

    /// Adds what `new` makes. Returns `false`, and makes nothing, if the list is full.
    #[inline(always)]
    pub(super) fn push(&mut self, new: impl FnOnce() -> Tagged) -> bool {
        let len = self.0.locked_len();

        let slots = self.0.slots(Within::Capacity);
        slots.get(len as usize).is_some_and(|slot| {
            // INVARIANT: The new entry comes before its number.
            slot.prepare(new());
            // MODEL: resv-count
            self.0.header().len.store(len + 1, Release);
            true
        })
    }
}

impl ListMut<'static> {
    /// An empty list of no object, with room for `count` entries, or for some more. Fails with
    /// `ENOMEM`. Sleeps if it may.
    pub(super) fn new(count: u32, may_sleep: bool) -> Result<Self> {
        let tail = (count as usize)
            .checked_mul(size_of::<Slot>())
            .ok_or(ENOMEM)?;
        let (memory, tail) = kmalloc::list(tail, may_sleep)?;
        let capacity = (tail / size_of::<Slot>()) as u32;
        let header = memory.write(Header {
            limit: Atomic::new(capacity),
            capacity: Atomic::new(capacity),
            _rcu: Opaque::uninit(),
            len: Atomic::new(0),
            // MODEL: resv-generation, unique-number
            generation: GENERATION.fetch_add(2, Relaxed),
        });

        // INVARIANT: Complete, and not known to anybody.
        ListRef::of(KBox::into_raw(header).cast())
            .map(Self)
            .ok_or(ENOMEM)
    }

    /// Adds entries, as many as there is room for.
    #[inline(always)]
    pub(super) fn extend(&mut self, entries: impl Iterator<Item = Tagged>) {
        let slots = self.0.slots(Within::Capacity);
        let mut len = self.0.locked_len() as usize;

        for entry in entries {
            let Some(slot) = slots.get(len) else {
                break;
            };
            slot.prepare(entry);
            len += 1;
        }
        // INVARIANT: They have just been written.
        // MODEL: resv-count
        self.0.header().len.store(len as u32, Release);
    }

    /// Frees the list of no object after an RCU grace period, but not its references.
    pub(super) fn free(self) {
        let header = self.0.header.as_ptr();

        // SAFETY: By the type invariant, and the memory comes from `kmalloc()`. The head is what
        // only owners have looked at. It has the layout that `kfree_rcu()` gives it.
        // MODEL: resv-generation, resv-list-free, resv-list-head
        unsafe { bindings::kvfree_call_rcu(header.cast(), header.cast()) };
    }
}

/// Puts `new` in the place of the list, and gives the old one.
pub(super) fn swap(held: &mut Held<'_>, new: Option<ListMut<'static>>) -> Option<ListMut<'static>> {
    replace(held.resv(), new)
}

/// Takes the list of an object that goes away.
pub(super) fn take(resv: &mut Resv) -> Option<ListMut<'static>> {
    replace(resv, None)
}

/// Nobody else may replace the list, or have it.
fn replace(resv: &Resv, new: Option<ListMut<'static>>) -> Option<ListMut<'static>> {
    let new = new.map_or(ptr::null_mut(), |new| new.0.header.as_ptr());
    // MODEL: none, because the lock is held, or nobody else has the object.
    let old = layout::list(resv).load(Relaxed);

    // MODEL: resv-list, resv-list-changed, resv-list-free, resv-generation, resv-moved
    layout::list(resv).store(new.cast(), Release);
    // INVARIANT: Only readers within RCU still know of it.
    ListRef::of(old).map(ListMut)
}
