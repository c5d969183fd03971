// SPDX-License-Identifier: GPL-2.0

//! `struct sg_table`.

use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings::{
        self,
        dma_addr_t,
        scatterlist,
        sg_table, //
    },
    error::to_result,
    interop::export::AsC,
    prelude::*,
    scatterlist::{
        SGEntry,
        SGTable, //
    }, //
};

/// What is allocated for a table.
///
/// # Invariants
///
/// `table`, which comes first, is zeroed, or was allocated with `entries` entries.
#[repr(C)]
struct Inner<T> {
    table: sg_table,
    entries: u32,
    owner: T,
}

/// A table of addresses without pages that we have made, with a `T` that it belongs to. Others know
/// its `struct sg_table` only.
#[repr(transparent)]
pub(crate) struct OwnTable<T>(KBox<Inner<T>>);

/// A table that [`OwnTable::into_raw`] gave away, and that the caller gives up.
// SAFETY: Transparent, and the pointer is all there is in a box. The table is where that begins.
unsafe impl<T> AsC for OwnTable<T> {
    type C = *mut sg_table;
}

impl<T> OwnTable<T> {
    /// A table without entries. Fails with `ENOMEM`.
    pub(crate) fn new(owner: T) -> Result<Self> {
        // INVARIANT: Zeroed.
        let inner = Inner {
            table: sg_table::default(),
            entries: 0,
            owner,
        };

        Ok(Self(KBox::new(inner, GFP_KERNEL)?))
    }

    /// Makes `entries` entries, where there are none. Fails with `EINVAL` if that is zero, or with
    /// `ENOMEM`.
    pub(crate) fn alloc(&mut self, entries: u32) -> Result {
        if self.0.entries != 0 {
            return Err(EINVAL);
        }
        // SAFETY: By the type invariant the table is zeroed.
        to_result(unsafe {
            bindings::sg_alloc_table(&mut self.0.table, entries, bindings::GFP_KERNEL)
        })
        // What has failed half-way leaves a number of entries behind.
        .inspect_err(|_| self.0.table = Default::default())?;

        // INVARIANT: Allocated just above.
        self.0.entries = entries;
        Ok(())
    }

    /// Says that there are no pages, for importers that look for them.
    pub(in super::super) fn disown_pages(&mut self) {
        self.0.table.orig_nents = 0;
    }

    /// Writes the entries, from the first on, with what the table belongs to at hand.
    pub(crate) fn write(&mut self) -> (Writer<'_>, &mut T) {
        let inner = &mut *self.0;

        // INVARIANT: NULL, or the first entry.
        (Writer(inner.table.sgl, PhantomData), &mut inner.owner)
    }

    /// The entries, and what the table belongs to.
    pub(in super::super) fn read(&mut self) -> (impl Iterator<Item = &SGEntry>, &mut T) {
        let inner = &mut *self.0;

        // SAFETY: By the type invariant, and `self` is borrowed.
        let table = unsafe { SGTable::from_raw(&mut inner.table) };
        (table.iter(), &mut inner.owner)
    }

    /// What the table belongs to.
    pub(crate) fn owner(&mut self) -> &mut T {
        &mut self.0.owner
    }

    /// Hands the table out, to somebody who gives it back as an argument.
    pub(crate) fn into_raw(self) -> NonNull<sg_table> {
        NonNull::from(KBox::leak(self.0)).cast()
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        // This is what is freed, whatever others were told.
        self.table.orig_nents = self.entries;
        // SAFETY: By the type invariant.
        unsafe { bindings::sg_free_table(&mut self.table) };
    }
}

/// Writes one entry after the other.
///
/// # Invariants
///
/// NULL, or an entry of a table that is borrowed for `'a`.
pub(crate) struct Writer<'a>(*mut scatterlist, PhantomData<&'a mut sg_table>);

impl Writer<'_> {
    /// Writes the next entry, if there is one.
    pub(crate) fn put(&mut self, addr: dma_addr_t, len: u32) {
        if self.0.is_null() {
            return;
        }
        // INVARIANT: NULL behind the last entry.
        // SAFETY: By the type invariant.
        unsafe {
            bindings::sg_set_dma(self.0, addr, len);
            self.0 = bindings::sg_next(self.0);
        }
    }
}
