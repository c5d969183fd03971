// SPDX-License-Identifier: GPL-2.0

//! Mapping with the reservation object held.

use super::{
    attached::{
        Entry,
        LockedAttached, //
    },
    attachment::Attachment,
    binding::KeepsBound,
    mapping::Mapping, //
};
use crate::{
    dma::DataDirection,
    dma_buf::resv::ResvGuard,
    prelude::*,
    scatterlist::SGTable, //
};
use core::ops::Deref;

impl<D: KeepsBound> Attachment<D> {
    /// Takes the reservation object, to map with it held. Sleeps.
    ///
    /// Borrows the attachment exclusively, because a [`Mapping`] of it must not be dropped
    /// meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{
    ///     dma::DataDirection,
    ///     dma_buf::{importer::{Attachment, KeepsBound}, LeafFence, Usage},
    ///     prelude::*,
    /// };
    ///
    /// /// Maps, and says so to those who look at the fences, before anybody else can.
    /// fn announce<D: KeepsBound>(attachment: &mut Attachment<D>, job: &LeafFence) -> Result {
    ///     let mut locked = attachment.lock().map(DataDirection::FromDevice)?;
    ///
    ///     if !locked.guard().reserve_fences(1)?.add(job, Usage::Write) {
    ///         return Err(ENOSPC);
    ///     }
    ///     let mapping = locked.unlock();
    ///
    ///     job.wait();
    ///     drop(mapping);
    ///     Ok(())
    /// }
    /// ```
    #[inline]
    pub fn lock(&mut self) -> LockedAttachment<'_, D> {
        let attachment = &*self;

        // INVARIANT: Locked just here.
        LockedAttachment {
            attachment,
            locked: attachment.attached().lock(),
        }
    }
}

/// An [`Attachment`] to a buffer whose reservation object is locked. Dropping it unlocks.
///
/// # Invariants
///
/// `locked` is what `attachment` holds.
///
/// # Examples
///
/// See [`Attachment::lock`].
#[must_use = "the reservation object is unlocked when this is dropped"]
pub struct LockedAttachment<'a, D: KeepsBound> {
    attachment: &'a Attachment<D>,
    locked: LockedAttached<'a>,
}

impl<'a, D: KeepsBound> LockedAttachment<'a, D> {
    /// The lock. What is lent does not unlock, and nothing can be put in its place.
    #[inline]
    pub fn guard(&mut self) -> ResvGuard<'_> {
        self.locked.guard()
    }

    /// Makes the memory accessible to the device.
    ///
    /// Fails with `EINVAL` for [`DataDirection::None`]; with `ENOMEM`; with `EINTR` or
    /// `ERESTARTSYS` if a signal ends the wait for memory management; or with what the exporter
    /// fails with. Then the reservation object is unlocked. May sleep.
    #[inline]
    pub fn map(self, dir: DataDirection) -> Result<LockedMapping<'a, D>> {
        LockedMapping::new(self.attachment, self.locked, dir)
    }
}

/// As [`Mapping`], but made with the reservation object held, which still is. Drop takes the
/// mapping down and unlocks.
///
/// # Invariants
///
/// As [`Mapping`]. `locked` is what `attachment` holds.
///
/// # Examples
///
/// See [`Attachment::lock`].
#[must_use = "the mapping is taken down when this is dropped"]
pub struct LockedMapping<'a, D: KeepsBound> {
    entry: Entry,
    attachment: &'a Attachment<D>,
    locked: LockedAttached<'a>,
}

impl<'a, D: KeepsBound> LockedMapping<'a, D> {
    /// `locked` must be what `attachment` holds.
    #[inline]
    fn new(
        attachment: &'a Attachment<D>,
        mut locked: LockedAttached<'a>,
        dir: DataDirection,
    ) -> Result<Self> {
        let entry = locked.map(dir)?;

        // INVARIANT: Mapped just above.
        Ok(Self {
            entry,
            attachment,
            locked,
        })
    }

    /// The lock. What is lent does not unlock, and nothing can be put in its place.
    #[inline]
    pub fn guard(&mut self) -> ResvGuard<'_> {
        self.locked.guard()
    }

    /// Unlocks, and keeps the mapping.
    #[inline]
    pub fn unlock(mut self) -> Mapping<&'a Attachment<D>> {
        Mapping::of(self.entry.take(), self.attachment)
    }
}

impl<D: KeepsBound> Drop for LockedMapping<'_, D> {
    #[inline]
    fn drop(&mut self) {
        self.locked.unmap(&self.entry);
    }
}

impl<D: KeepsBound> Deref for LockedMapping<'_, D> {
    type Target = SGTable;

    #[inline]
    fn deref(&self) -> &SGTable {
        &self.entry
    }
}
