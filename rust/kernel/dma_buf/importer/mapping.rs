// SPDX-License-Identifier: GPL-2.0

//! Mappings of an [`Attachment`].

use super::{
    attached::Entry,
    attachment::Attachment,
    binding::{
        InDevres, //
        KeepsBound,
    },
};
use crate::{
    device::{
        Bound,
        Device, //
    },
    devres::Devres,
    dma::DataDirection,
    dma_buf::{
        buffer::DmaBuf,
        resv::ResvGuard, //
    },
    prelude::*,
    scatterlist::SGTable,
    sync::{
        aref::ARef,
        Arc, //
    },
};
use core::ops::Deref;

mod private {
    use super::*;

    pub trait Sealed {}

    impl<D: KeepsBound> Sealed for &Attachment<D> {}
    impl<D: KeepsBound> Sealed for Attachment<D> {}
    impl<D: KeepsBound> Sealed for Arc<Attachment<D>> {}
}

/// How a [`Mapping`] holds its [`Attachment`]: by reference, in an [`Arc`], or as its owner.
pub trait AttachmentHandle: private::Sealed {
    /// What keeps the device bound.
    type Binding: KeepsBound;

    /// The attachment: always the same.
    fn attachment(&self) -> &Attachment<Self::Binding>;
}

impl<D: KeepsBound> AttachmentHandle for &Attachment<D> {
    type Binding = D;

    #[inline]
    fn attachment(&self) -> &Attachment<D> {
        self
    }
}

impl<D: KeepsBound> AttachmentHandle for Attachment<D> {
    type Binding = D;

    #[inline]
    fn attachment(&self) -> &Attachment<D> {
        self
    }
}

impl<D: KeepsBound> AttachmentHandle for Arc<Attachment<D>> {
    type Binding = D;

    #[inline]
    fn attachment(&self) -> &Attachment<D> {
        self
    }
}

/// The memory of a buffer, made accessible to an attached device. Drop takes the mapping down, for
/// which it takes the reservation object: that must not be held.
///
/// Derefs to the addresses for the device. There are no pages: the exporter's memory may be of any
/// kind, and belongs to it.
///
/// # Invariants
///
/// `entry` is one of `attachment`, and only this object's.
///
/// # Examples
///
/// See [`Attachment`].
pub struct Mapping<A: AttachmentHandle> {
    entry: Entry,
    attachment: A,
}

impl<A: AttachmentHandle> Mapping<A> {
    /// Makes the memory accessible to the device of `attachment`.
    ///
    /// See [`Attachment::map_unlocked`].
    #[inline]
    pub fn new(attachment: A, dir: DataDirection) -> Result<Self> {
        attachment.attachment().buffer().resv().assert_not_held();
        // A statement of its own: unlocks at its end.
        let entry = attachment.attachment().attached().lock().map(dir)?;

        Ok(Self::of(entry, attachment))
    }

    /// `entry` must be one of `attachment`.
    #[inline]
    pub(super) fn of(entry: Entry, attachment: A) -> Self {
        // INVARIANT: An entry belongs to who has it.
        Self { entry, attachment }
    }

    /// The attachment.
    #[inline]
    pub fn attachment(&self) -> &Attachment<A::Binding> {
        self.attachment.attachment()
    }
}

impl<A: AttachmentHandle + Clone> Mapping<A> {
    /// As [`new`](Self::new), when the reservation object is locked already, perhaps
    /// [together with others](crate::dma_buf::AcquireCtx).
    ///
    /// As long as it is, the result must not be dropped, but [given back](Self::unmap_with_guard).
    /// Fails with `EINVAL`, too, if `guard` is for another reservation object.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{
    ///     dma::DataDirection,
    ///     dma_buf::{importer::{Attachment, EmulatedDevice, Mapping}, AcquireCtx, DmaBuf},
    ///     prelude::*,
    ///     sync::{aref::ARef, Arc},
    /// };
    ///
    /// type Attached = Arc<Attachment<Arc<EmulatedDevice>>>;
    ///
    /// /// Maps two buffers, or none.
    /// fn map(bufs: &[ARef<DmaBuf>; 2], to: &[Attached; 2]) -> Result<[Mapping<Attached>; 2]> {
    ///     let mut locked = AcquireCtx::new()?.until_all_locked(|exec| {
    ///         bufs.iter().try_for_each(|buf| exec.lock(buf))
    ///     })?;
    ///     let mut map = |index: usize| {
    ///         let mut guard = locked.guard(bufs[index].resv()).ok_or(EINVAL)?;
    ///         Mapping::with_guard(&to[index], &mut guard, DataDirection::ToDevice)
    ///     };
    ///
    ///     let first = map(0)?;
    ///     match map(1) {
    ///         Ok(second) => Ok([first, second]),
    ///         Err(err) => {
    ///             drop(locked); // Or else the drop of `first` would wait for ever.
    ///             Err(err)
    ///         }
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn with_guard(
        attachment: &A,
        guard: &mut ResvGuard<'_>,
        dir: DataDirection,
    ) -> Result<Self> {
        let attached = attachment.attachment().attached();
        let entry = attached.with_guard(guard)?.map(dir)?;

        Ok(Self::of(entry, attachment.clone()))
    }

    /// Takes the mapping down with the reservation object locked already, and gives back how the
    /// attachment was held. If `guard` is for another one the mapping comes back.
    #[inline]
    pub fn unmap_with_guard(mut self, guard: &mut ResvGuard<'_>) -> Result<A, Self> {
        let Ok(mut locked) = self.attachment.attachment().attached().with_guard(guard) else {
            return Err(self);
        };

        // What is dropped here is not the last that keeps the attachment.
        locked.unmap(&self.entry.take());
        Ok(self.attachment.clone())
    }
}

impl<D: KeepsBound> Attachment<D> {
    /// Makes the memory accessible to the device, as long as the result exists.
    ///
    /// Takes the reservation object. As
    /// [`LockedAttachment::map`](super::LockedAttachment::map) otherwise.
    #[inline]
    pub fn map_unlocked(&self, dir: DataDirection) -> Result<Mapping<&Self>> {
        Mapping::new(self, dir)
    }

    /// As [`map_unlocked`](Self::map_unlocked), but the result owns the attachment, which is for
    /// drivers that keep the two together.
    ///
    /// # Examples
    ///
    /// A job that has a device of the driver's own work on a buffer:
    ///
    /// ```
    /// use kernel::{
    ///     dma::{DataDirection, DmaMask},
    ///     dma_buf::{importer::{Attachment, EmulatedDevice, Mapping}, DmaBuf},
    ///     prelude::*,
    ///     sync::{aref::ARef, Arc},
    /// };
    ///
    /// struct Job {
    ///     source: Mapping<Attachment<Arc<EmulatedDevice>>>,
    /// }
    ///
    /// fn job(dev: Arc<EmulatedDevice>, buf: ARef<DmaBuf>) -> Result<Job> {
    ///     Ok(Job { source: Attachment::new(buf, dev)?.into_mapping(DataDirection::ToDevice)? })
    /// }
    /// ```
    #[inline]
    pub fn into_mapping(self, dir: DataDirection) -> Result<Mapping<Self>> {
        Mapping::new(self, dir)
    }
}

impl Mapping<Attachment<InDevres>> {
    /// Attaches `dev` to `buf` and maps it, for as long as `dev` is bound and no longer, whoever
    /// has the result then.
    ///
    /// As [`Attachment::new`] and [`Attachment::map_unlocked`].
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{
    ///     device::{Bound, Device},
    ///     devres::Devres,
    ///     dma::{DataDirection, DmaAddress},
    ///     dma_buf::{importer::{Attachment, InDevres, Mapping}, DmaBuf},
    ///     prelude::*,
    ///     sync::aref::ARef,
    /// };
    ///
    /// /// Something that user space keeps a handle of.
    /// struct Object {
    ///     memory: Devres<Mapping<Attachment<InDevres>>>,
    /// }
    ///
    /// fn import(dev: &Device<Bound>, buf: ARef<DmaBuf>) -> Result<Object> {
    ///     Ok(Object { memory: Mapping::new_devres(buf, dev, DataDirection::Bidirectional)? })
    /// }
    ///
    /// /// Where the device finds the object, if it is in one piece.
    /// fn address(dev: &Device<Bound>, object: &Object) -> Result<DmaAddress> {
    ///     let memory = object.memory.access(dev)?;
    ///     let mut pieces = memory.iter();
    ///
    ///     match (pieces.next(), pieces.next()) {
    ///         (Some(piece), None) => Ok(piece.dma_address()),
    ///         _ => Err(EINVAL),
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn new_devres(
        buf: ARef<DmaBuf>,
        dev: &Device<Bound>,
        dir: DataDirection,
    ) -> Result<Devres<Self>> {
        // SAFETY: Goes into a `Devres` for `dev` at once.
        let attachment = Attachment::new(buf, unsafe { InDevres::new(dev) })?;

        Devres::new(dev, Self::new(attachment, dir)?)
    }
}

impl<A: AttachmentHandle> Deref for Mapping<A> {
    type Target = SGTable;

    #[inline]
    fn deref(&self) -> &SGTable {
        &self.entry
    }
}

impl<A: AttachmentHandle> Drop for Mapping<A> {
    #[inline]
    fn drop(&mut self) {
        if self.entry.is_none() {
            return;
        }
        let attachment = self.attachment.attachment();

        attachment.buffer().resv().assert_not_held();
        attachment.attached().lock().unmap(&self.entry);
    }
}
