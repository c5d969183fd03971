// SPDX-License-Identifier: GPL-2.0

//! The fences of a reservation object.

use super::{
    entry::{
        Entry,
        Slot, //
    },
    Usage, //
};
use crate::kmalloc;
use core::{
    marker::PhantomData,
    mem::{
        offset_of,
        ManuallyDrop, //
    },
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
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
    _rcu: Opaque<[u8; size_of::<bindings::callback_head>() - 2 * size_of::<u32>()]>,
    len: Atomic<u32>,
    /// Tells the list from another one in the same memory, for as long as less than two thousand
    /// million are made in between.
    generation: u32,
}

/// Where the slots begin.
const SLOTS: usize = size_of::<Header>();

const _: () = assert!(offset_of!(Header, len) == size_of::<bindings::callback_head>());
const _: () = assert!(SLOTS % align_of::<Slot>() == 0);

/// The next list's generation. Odd, so that no list has zero.
static GENERATION: Atomic<u32> = Atomic::new(1);

/// Which slots one may look at.
#[derive(Clone, Copy)]
enum Within {
    /// Those that are entries.
    Len,
    /// All. Only for the owner of the lock, or of the list.
    Capacity,
}

/// A list as its readers see it.
///
/// # Invariants
///
/// The list is valid for `'a`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ListRef<'a> {
    header: NonNull<Header>,
    _p: PhantomData<&'a Header>,
}

impl<'a> ListRef<'a> {
    fn header(self) -> &'a Header {
        // SAFETY: By the type invariant.
        unsafe { self.header.as_ref() }
    }

    /// Identifies the list. Not NULL, and not an address: another list may get that.
    pub(super) fn id(self) -> *mut bindings::dma_resv_list {
        ptr::without_provenance_mut(self.header().generation as usize)
    }

    pub(super) fn len(self) -> u32 {
        // Pairs with the release in `append()`: what is counted is there.
        self.header().len.load(Acquire)
    }

    fn slot(self, index: u32, within: Within) -> Option<&'a Slot> {
        let end = match within {
            Within::Len => self.len(),
            Within::Capacity => self.capacity(),
        };

        (index < end).then(|| {
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

    /// The entry at `index`, if there is one.
    pub(super) fn load(self, index: u32) -> Option<Entry> {
        self.load_within(index, Within::Len)
    }

    /// As [`load`](Self::load), of a slot that has been written.
    fn load_within(self, index: u32, within: Within) -> Option<Entry> {
        self.slot(index, within).map(Slot::load)
    }

    /// For the owner of the lock, or of the list.
    fn store(self, index: u32, entry: Entry) -> bool {
        self.slot(index, Within::Capacity)
            .inspect(|slot| slot.store(entry))
            .is_some()
    }

    /// For the owner of the lock, or of the list.
    fn capacity(self) -> u32 {
        self.header().capacity.load(Relaxed)
    }
}

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
        let entry = self.0.load(index)?;

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
        for index in index..self.0.capacity() {
            if let Some(entry) = self.0.load_within(index, Within::Capacity) {
                // SAFETY: By the caller's guarantee.
                drop(unsafe { Fence::from_owned(entry.as_raw().as_ptr()) });
            }
        }
    }
}

/// Adds an entry to a list that nobody else adds entries to. Returns `false` if it is full.
fn append(list: ListRef<'_>, fence: ARef<Fence>, usage: Usage) -> bool {
    let len = list.header().len.load(Relaxed);
    if len >= list.capacity() {
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
        Self::in_memory_of(count, kmalloc::list)
    }

    /// As [`new`](Self::new), but does not sleep.
    pub(super) fn new_nowait(count: u32) -> Result<Self> {
        Self::in_memory_of(count, kmalloc::list_nowait)
    }

    fn in_memory_of(
        count: u32,
        allocate: impl FnOnce(usize) -> Result<NonNull<c_void>>,
    ) -> Result<Self> {
        let slots = (count as usize)
            .checked_mul(size_of::<Slot>())
            .and_then(|size| size.checked_add(SLOTS))
            .ok_or(ENOMEM)?;
        // SAFETY: May be called with any size.
        let size = unsafe { bindings::kmalloc_size_roundup(slots) };
        let header = allocate(size)?.cast::<Header>();
        let capacity = ((size - SLOTS) / size_of::<Slot>()) as u32;

        // SAFETY: The memory is new and large enough.
        unsafe {
            header.write(Header {
                limit: Atomic::new(capacity),
                capacity: Atomic::new(capacity),
                _rcu: Opaque::uninit(),
                len: Atomic::new(0),
                generation: GENERATION.fetch_add(2, Relaxed),
            })
        };
        // INVARIANT: Complete, and not known to anybody.
        Ok(Self(ListRef {
            header,
            _p: PhantomData,
        }))
    }

    pub(super) fn capacity(&self) -> u32 {
        self.0.capacity()
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

        // SAFETY: By the type invariant, and the memory comes from `kmalloc()`. The head is what
        // only owners have looked at. It has the layout that `kfree_rcu()` gives it.
        unsafe { bindings::kvfree_call_rcu(header.cast(), header.cast()) };
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
