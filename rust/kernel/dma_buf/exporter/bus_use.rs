// SPDX-License-Identifier: GPL-2.0

//! Addresses on a bus that a device has been given.

use super::{
    buffer::{
        AttachedDevice,
        Exporter, //
    },
    bus::Using, //
};
use crate::{
    bindings,
    device::Device,
    dma::DataDirection,
    sync::aref::ARef, //
};
use core::ptr::NonNull;

/// Addresses by which a device reaches ranges of a [`BusMemory`](super::BusMemory).
///
/// # Invariants
///
/// `table` was made for `attachment`, which was one of `dev`, in the direction `dir`. The
/// attachment is there, with the reservation object of its buffer held, where this is dropped.
pub(super) struct BusUse {
    table: NonNull<bindings::sg_table>,
    attachment: NonNull<bindings::dma_buf_attachment>,
    dev: ARef<Device>,
    dir: DataDirection,
    // Dropped after the addresses have been given back.
    _using: Using,
}

impl BusUse {
    /// # Safety
    ///
    /// `table` must have been made for `attachment`, in the direction `dir`, by
    /// `dma_buf_phys_vec_to_sgt()`, and `using` keep what it is made of.
    #[inline]
    pub(super) unsafe fn new<T: Exporter>(
        attachment: &AttachedDevice<'_, T>,
        table: NonNull<bindings::sg_table>,
        dir: DataDirection,
        using: Using,
    ) -> Self {
        // INVARIANT: By the caller's guarantee. It is dropped where `attachment` still is, or by
        // who has seen that it is for the one that he has.
        Self {
            table,
            attachment: attachment.as_raw(),
            dev: attachment.device().into(),
            dir,
            _using: using,
        }
    }

    /// The entries, for a table that goes before this does.
    #[inline]
    pub(super) fn entries(&self) -> bindings::sg_table {
        // SAFETY: By the type invariant. Nobody changes it.
        unsafe { *self.table.as_ptr() }
    }

    /// Whether it was made for `attachment`, or for one of the same device that was in its place.
    #[inline]
    pub(super) fn is_for<T: Exporter>(&self, attachment: &AttachedDevice<'_, T>) -> bool {
        self.attachment == attachment.as_raw() && self.dev.as_raw() == attachment.device().as_raw()
    }
}

impl Drop for BusUse {
    #[inline]
    fn drop(&mut self) {
        let (attachment, table) = (self.attachment.as_ptr(), self.table.as_ptr());

        // SAFETY: By the type invariant, and nobody has the addresses any more.
        unsafe { bindings::dma_buf_free_sgt(attachment, table, self.dir.into()) };
    }
}
