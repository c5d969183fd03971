// SPDX-License-Identifier: GPL-2.0

//! What an attachment owns: the C attachment, and what is mapped for it.

use super::raw::{
    raw_direction,
    table_from_raw,
    RawAttachment,
    Table, //
};
use crate::{
    bindings,
    dma::DataDirection,
    dma_buf::{
        buffer::DmaBuf,
        resv::ResvGuard, //
    },
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    scatterlist::SGTable, //
};
use core::{
    cell::UnsafeCell,
    mem,
    ops::Deref,
    ptr, //
};

/// By what a mapping of an attachment is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64);

impl Key {
    /// That of the mapping that needs no memory to be remembered.
    const FIRST: Self = Self(0);
    /// That of no mapping.
    const NONE: Self = Self(u64::MAX);
}

/// What is mapped for an attachment. Derefs to the addresses for the device.
///
/// # Invariants
///
/// The attachment knows `table`, which is mapped, by `key`; with `NONE` it is not looked at. Who
/// has the entry has it unmapped as the last thing.
pub(super) struct Entry {
    table: Table,
    key: Key,
}

impl Entry {
    #[inline]
    pub(super) fn is_none(&self) -> bool {
        self.key == Key::NONE
    }

    /// Hands the entry on. What is left is none.
    #[inline]
    pub(super) fn take(&mut self) -> Self {
        Self {
            table: self.table,
            key: mem::replace(&mut self.key, Key::NONE),
        }
    }
}

impl Deref for Entry {
    type Target = SGTable;

    #[inline]
    fn deref(&self) -> &SGTable {
        // SAFETY: By the type invariant the table stays, and nobody changes one that is mapped.
        unsafe { SGTable::from_raw(self.table.as_ptr()) }
    }
}

/// The mappings of an attachment. Most have one at a time.
struct Mapped {
    first: Option<(Table, DataDirection)>,
    more: RBTree<Key, (Table, DataDirection)>,
    last: u64,
}

impl Mapped {
    #[inline]
    fn any(&self) -> Option<Key> {
        match self.first {
            Some(_) => Some(Key::FIRST),
            None => self.more.keys().next().copied(),
        }
    }

    #[inline]
    fn take(&mut self, key: Key) -> Option<(Table, DataDirection)> {
        if key == Key::FIRST {
            self.first.take()
        } else {
            self.more.remove(&key)
        }
    }
}

/// A device that is attached, and what is mapped for it. Drop takes down what has been left mapped,
/// and detaches.
///
/// The tables are here, and not in the objects that are given out for them, because these may be
/// forgotten: nothing may be mapped for a device that is gone.
///
/// # Invariants
///
/// `mapped` is only used with the reservation object of the buffer held, or exclusively. What is in
/// there is mapped, and is unmapped by who takes it out.
pub(super) struct Attached {
    mapped: UnsafeCell<Mapped>,
    // Last: the device is detached when nothing is mapped any more.
    raw: RawAttachment,
}

// SAFETY: What can be done with a shared reference is serialised by the reservation object.
unsafe impl Sync for Attached {}

impl Attached {
    #[inline]
    pub(super) fn new(raw: RawAttachment) -> Self {
        // INVARIANT: Nothing is mapped yet.
        Self {
            mapped: UnsafeCell::new(Mapped {
                first: None,
                more: RBTree::new(),
                last: Key::FIRST.0,
            }),
            raw,
        }
    }

    #[inline]
    pub(super) fn buffer(&self) -> &DmaBuf {
        self.raw.buffer()
    }

    /// Takes the reservation object. Sleeps.
    #[inline]
    pub(super) fn lock(&self) -> LockedAttached<'_> {
        // INVARIANT: Locked just here.
        LockedAttached {
            attached: self,
            guard: self.buffer().resv().lock(),
        }
    }

    /// Fails with `EINVAL` if `guard` is for another reservation object.
    #[inline]
    pub(super) fn with_guard<'a>(
        &'a self,
        guard: &'a mut ResvGuard<'_>,
    ) -> Result<LockedAttached<'a>> {
        if !ptr::eq(guard.resv(), self.buffer().resv()) {
            return Err(EINVAL);
        }
        // INVARIANT: That was just looked at.
        Ok(LockedAttached {
            attached: self,
            guard: guard.reborrow(),
        })
    }
}

impl Drop for Attached {
    #[inline]
    fn drop(&mut self) {
        if self.mapped.get_mut().any().is_none() {
            return;
        }
        let mut locked = self.lock();
        while let Some(key) = locked.mapped().any() {
            locked.unmap_key(key);
        }
    }
}

/// An [`Attached`] with the reservation object held. Dropping it unlocks.
///
/// # Invariants
///
/// `guard` is for the reservation object of the buffer.
pub(super) struct LockedAttached<'a> {
    attached: &'a Attached,
    guard: ResvGuard<'a>,
}

impl LockedAttached<'_> {
    #[inline]
    pub(super) fn guard(&mut self) -> ResvGuard<'_> {
        self.guard.reborrow()
    }

    #[inline]
    fn mapped(&mut self) -> &mut Mapped {
        // SAFETY: By the type invariants; `self`, and so the only guard that can be used, is
        // borrowed exclusively.
        unsafe { &mut *self.attached.mapped.get() }
    }

    /// Makes the memory accessible to the device, which must be bound. May sleep.
    #[inline]
    pub(super) fn map(&mut self, dir: DataDirection) -> Result<Entry> {
        let raw_dir = raw_direction(dir)?;
        // First what may fail: a table that is mapped has to be remembered.
        let node = if self.mapped().first.is_some() {
            Some(RBTreeNodeReservation::new(GFP_KERNEL)?)
        } else {
            None
        };
        // SAFETY: The device is attached, and bound; the reservation object is held.
        let table = table_from_raw(unsafe {
            bindings::dma_buf_map_attachment(self.attached.raw.as_ptr(), raw_dir)
        })?;

        // INVARIANT: Mapped just above.
        let mapped = self.mapped();
        let Some(node) = node else {
            mapped.first = Some((table, dir));
            return Ok(Entry {
                table,
                key: Key::FIRST,
            });
        };
        // Never twice the same, and never `NONE`, in all the time that there is.
        mapped.last = mapped.last.wrapping_add(1);
        let key = Key(mapped.last);
        mapped.more.insert(node.into_node(key, (table, dir)));
        Ok(Entry { table, key })
    }

    /// Undoes [`map`](Self::map), unless that has been done. The device must be bound. May sleep.
    #[inline]
    pub(super) fn unmap(&mut self, entry: &Entry) {
        self.unmap_key(entry.key);
    }

    #[inline]
    fn unmap_key(&mut self, key: Key) {
        let Some((table, dir)) = self.mapped().take(key) else {
            return;
        };

        // SAFETY: By the type invariant of `Attached` it is mapped, and this is who unmaps it. The
        // reservation object is held.
        unsafe {
            bindings::dma_buf_unmap_attachment(
                self.attached.raw.as_ptr(),
                table.as_ptr(),
                dir.into(),
            )
        };
    }
}
