// SPDX-License-Identifier: GPL-2.0

//! The fences of a reservation object.

use super::Usage;
use crate::kmalloc;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    bindings::dma_fence,
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

/// A pointer to a fence with the usage in its lower bits.
///
/// # Invariants
///
/// The pointer is not NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(*mut dma_fence);

const USAGE_MASK: usize = 3;

const _: () = assert!(align_of::<dma_fence>() > USAGE_MASK);

impl Entry {
    /// The reference goes over to the list that the entry is put into.
    pub(super) fn new(fence: ARef<Fence>, usage: Usage) -> Self {
        let fence = ARef::into_raw(fence).cast::<dma_fence>();

        // INVARIANT: The address is aligned, so that what is added stays in its lower bits.
        Self(fence.as_ptr().map_addr(|addr| addr | usage as usize))
    }

    pub(super) fn usage(self) -> Usage {
        (self.0.addr() & USAGE_MASK) as Usage
    }

    pub(super) fn as_raw(self) -> NonNull<dma_fence> {
        // SAFETY: By the type invariant.
        unsafe { NonNull::new_unchecked(self.0.map_addr(|addr| addr & !USAGE_MASK)) }
    }
}

/// What comes before the slots of a list.
///
/// # Invariants
///
/// `capacity` slots follow, of which the first `len` are entries with a reference each.
#[repr(C)]
struct Header {
    rcu: Opaque<bindings::callback_head>,
    len: Atomic<u32>,
    /// How many entries have been reserved in all. Belongs to the lock.
    limit: Atomic<u32>,
    capacity: u32,
}

type Slot = Atomic<*mut dma_fence>;

/// A list as its readers see it.
///
/// # Invariants
///
/// The list is valid for `'a`.
#[derive(Clone, Copy)]
pub(super) struct ListRef<'a> {
    header: NonNull<Header>,
    _p: PhantomData<&'a Header>,
}

impl<'a> ListRef<'a> {
    fn header(self) -> &'a Header {
        // SAFETY: By the type invariant.
        unsafe { self.header.as_ref() }
    }

    /// Identifies the list; must not be dereferenced.
    pub(super) fn as_raw(self) -> *mut bindings::dma_resv_list {
        self.header.as_ptr().cast()
    }

    pub(super) fn len(self) -> u32 {
        // Pairs with the release in `append()`: what is counted is there.
        self.header().len.load(Acquire)
    }

    fn slot(self, index: u32) -> Option<&'a Slot> {
        (index < self.header().capacity).then(|| {
            // SAFETY: By the invariant of `Header` the slot is in the list's memory. Slots are only
            // written before they are entries.
            unsafe {
                &*self
                    .header
                    .as_ptr()
                    .byte_add(SLOTS)
                    .cast::<Slot>()
                    .add(index as usize)
            }
        })
    }

    /// The entry at `index`, which must be less than a length that the list has had.
    pub(super) fn load(self, index: u32) -> Option<Entry> {
        // Pairs with the release in `store()`: the fence is complete.
        // INVARIANT: Entries are not NULL.
        self.slot(index).map(|slot| Entry(slot.load(Acquire)))
    }

    fn store(self, index: u32, entry: Entry) -> bool {
        self.slot(index)
            .inspect(|slot| slot.store(entry.0, Release))
            .is_some()
    }
}

/// Where the slots begin.
const SLOTS: usize = size_of::<Header>().next_multiple_of(align_of::<Slot>());

/// A list whose reservation object is locked.
///
/// # Invariants
///
/// The lock is held for `'a`, and nobody else has this list like this.
pub(super) struct LockedList<'a>(ListRef<'a>);

impl LockedList<'_> {
    pub(super) fn len(&self) -> u32 {
        self.0.header().len.load(Relaxed)
    }

    pub(super) fn limit(&self) -> u32 {
        self.0.header().limit.load(Relaxed)
    }

    #[cfg(CONFIG_DEBUG_MUTEXES)]
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.0.header().limit.store(limit, Relaxed);
    }

    pub(super) fn entry(&self, index: u32) -> Option<LockedEntry<'_>> {
        let entry = self.0.load(index).filter(|_| index < self.len())?;

        Some(LockedEntry {
            entry,
            // SAFETY: By the type invariant nobody drops the reference while `self` is borrowed.
            fence: unsafe { Fence::from_raw(entry.as_raw().as_ptr()) },
        })
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = LockedEntry<'_>> {
        (0..self.len()).map_while(|index| self.entry(index))
    }

    /// Puts `entry` in the place of another one.
    pub(super) fn exchange(&mut self, index: u32, fence: ARef<Fence>, usage: Usage) {
        let Some(old) = self.entry(index).map(|old| old.as_raw()) else {
            return;
        };

        self.0.store(index, Entry::new(fence, usage));
        // SAFETY: By the invariant of `Header` the entry had a reference, which is ours now.
        drop(unsafe { Fence::from_owned(old.as_ptr()) });
    }

    /// Adds an entry if one is left of those that were reserved. Returns `false` if not.
    pub(super) fn append(&mut self, fence: &Fence, usage: Usage) -> bool {
        self.len() < self.limit() && append(self.0, fence.into(), usage)
    }

    /// Drops what a list keeps for later in the slots from `index` on.
    ///
    /// # Safety
    ///
    /// These slots must be behind the entries and have a reference each, which is ours to drop.
    pub(super) unsafe fn drop_rest(&mut self, index: u32) {
        for index in index..self.0.header().capacity {
            if let Some(entry) = self.0.load(index) {
                // SAFETY: By the caller's guarantee.
                drop(unsafe { Fence::from_owned(entry.as_raw().as_ptr()) });
            }
        }
    }
}

/// Adds an entry to a list that nobody else adds entries to. Returns `false` if it is full.
fn append(list: ListRef<'_>, fence: ARef<Fence>, usage: Usage) -> bool {
    let len = list.header().len.load(Relaxed);
    if len >= list.header().capacity {
        return false;
    }

    // INVARIANT: The new entry comes before its number.
    list.store(len, Entry::new(fence, usage));
    list.header().len.store(len + 1, Release);
    true
}

/// An entry that cannot change because the reservation object is locked.
#[derive(Clone, Copy)]
pub(super) struct LockedEntry<'a> {
    entry: Entry,
    fence: &'a Fence,
}

impl<'a> LockedEntry<'a> {
    pub(super) fn fence(&self) -> &'a Fence {
        self.fence
    }

    /// Whether nobody needs to wait for this any more once `new` is there.
    pub(super) fn is_superseded_by(&self, new: &Fence, usage: Usage) -> bool {
        let replaces = || {
            self.usage() >= usage
                && self.fence.context() == new.context()
                && (ptr::eq(self.fence, new) || new.is_later_than(self.fence) == Some(true))
        };

        replaces() || self.fence.is_signaled()
    }
}

impl Deref for LockedEntry<'_> {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

/// A list that no reservation object has.
///
/// # Invariants
///
/// Nobody else but readers within RCU knows of the list.
pub(super) struct ListBox(ListRef<'static>);

impl ListBox {
    /// An empty list with room for `count` entries, or for some more. Fails with `ENOMEM`. Sleeps.
    pub(super) fn new(count: u32) -> Result<Self> {
        let slots = (count as usize)
            .checked_mul(size_of::<Slot>())
            .and_then(|size| size.checked_add(SLOTS))
            .ok_or(ENOMEM)?;
        // SAFETY: May be called with any size.
        let size = unsafe { bindings::kmalloc_size_roundup(slots) };
        let header = kmalloc::uninit(size)?.cast::<Header>();
        let capacity = ((size - SLOTS) / size_of::<Slot>()) as u32;

        // SAFETY: The memory is new and large enough.
        unsafe {
            header.write(Header {
                rcu: Opaque::uninit(),
                len: Atomic::new(0),
                limit: Atomic::new(capacity),
                capacity,
            })
        };
        // INVARIANT: Complete, and not known to anybody.
        Ok(Self(ListRef {
            header,
            _p: PhantomData,
        }))
    }

    pub(super) fn capacity(&self) -> u32 {
        self.0.header().capacity
    }

    /// Adds an entry. Returns `false` if the list is full.
    pub(super) fn append(&mut self, fence: ARef<Fence>, usage: Usage) -> bool {
        append(self.0, fence, usage)
    }

    /// Adds an entry of another list, with its reference.
    ///
    /// # Safety
    ///
    /// The caller must give up the other list's reference.
    pub(super) unsafe fn adopt(&mut self, entry: Entry) {
        // SAFETY: By the caller's guarantee.
        if let Some(fence) = unsafe { Fence::from_owned(entry.as_raw().as_ptr()) } {
            self.append(fence, entry.usage());
        }
    }

    /// Keeps an entry for later in a slot behind all entries.
    pub(super) fn keep(&mut self, index: u32, entry: Entry) {
        self.0.store(index, entry);
    }

    /// Frees the list after an RCU grace period, but leaves its references to others.
    pub(super) fn free_without_fences(self) {
        self.free();
        core::mem::forget(self);
    }

    fn free(&self) {
        let header = self.0.header.as_ptr();

        // SAFETY: By the type invariant, and the memory comes from `kmalloc()`. The head has the
        // layout that `kfree_rcu()` gives it.
        unsafe { bindings::kvfree_call_rcu((&raw mut (*header).rcu).cast(), header.cast()) };
    }
}

impl Drop for ListBox {
    fn drop(&mut self) {
        for index in 0..self.0.len() {
            if let Some(entry) = self.0.load(index) {
                // SAFETY: By the type invariant the references are ours.
                drop(unsafe { Fence::from_owned(entry.as_raw().as_ptr()) });
            }
        }
        self.free();
    }
}

/// The pointer to the list in a reservation object.
#[derive(Clone, Copy)]
pub(super) struct ListCell<'a>(&'a Atomic<*mut Header>);

/// The pointer to the list in `resv`.
pub(super) fn of(resv: &Resv) -> ListCell<'_> {
    // SAFETY: The pointer lives as long as the object and is accessed atomically only. It is this
    // module that decides what it points to.
    ListCell(unsafe { Atomic::from_ptr((&raw mut (*resv.as_raw()).fences).cast()) })
}

impl<'a> ListCell<'a> {
    /// The list for readers.
    pub(super) fn load<'r>(self, _rcu: &'r rcu::Guard) -> Option<ListRef<'r>> {
        // INVARIANT: A list that has been replaced stays for an RCU grace period.
        NonNull::new(self.0.load(Acquire)).map(|header| ListRef {
            header,
            _p: PhantomData,
        })
    }

    /// The list for the owner of the lock.
    ///
    /// # Safety
    ///
    /// The lock must be held for `'a`, and nobody else may have the list like this.
    pub(super) unsafe fn load_locked(self) -> Option<LockedList<'a>> {
        // INVARIANT: By the caller's guarantee. Nobody replaces the list.
        NonNull::new(self.0.load(Relaxed)).map(|header| {
            LockedList(ListRef {
                header,
                _p: PhantomData,
            })
        })
    }

    /// Puts `new` in the place of the list, and gives the old one.
    ///
    /// # Safety
    ///
    /// The lock must be held, and nobody else may have the list. If the object goes away, so must
    /// what is in it.
    pub(super) unsafe fn replace(self, new: Option<ListBox>) -> Option<ListBox> {
        let old = self.0.load(Relaxed);
        let new = new.map_or(ptr::null_mut(), |new| {
            ManuallyDrop::new(new).0.header.as_ptr()
        });

        self.0.store(new, Release);
        // INVARIANT: Only readers within RCU still know of it.
        NonNull::new(old).map(|header| {
            ListBox(ListRef {
                header,
                _p: PhantomData,
            })
        })
    }
}
