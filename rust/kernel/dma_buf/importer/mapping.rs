// SPDX-License-Identifier: GPL-2.0

//! Mappings of an [`Attachment`].

use super::{
    attached::{
        Key,
        LockedAttached, //
    },
    binding::Managed,
    Attachment,
    KeepsBound, //
};
use crate::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    devres::Devres,
    dma::DataDirection,
    dma_buf::{
        DmaBuf,
        ResvGuard, //
    },
    error::from_err_ptr,
    prelude::*,
    scatterlist::SGTable,
    sync::{
        aref::ARef,
        Arc, //
    },
};
use core::{
    mem,
    ops::Deref,
    ptr::NonNull, //
};

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

/// The table that came out of mapping.
pub(super) type Table = NonNull<bindings::sg_table>;

/// The direction for C, which stops the machine if it is [`DataDirection::None`]. Here that is
/// `EINVAL`.
#[inline]
pub(super) fn raw_direction(dir: DataDirection) -> Result<bindings::dma_data_direction> {
    match dir {
        DataDirection::None => Err(EINVAL),
        dir => Ok(dir.into()),
    }
}

/// Takes over what `dma_buf_map_attachment()` returned.
#[inline]
pub(super) fn table_from_raw(ret: *mut bindings::sg_table) -> Result<Table> {
    NonNull::new(from_err_ptr(ret)?).ok_or(EINVAL)
}

/// The memory of a buffer, made accessible to an attached device. Drop takes the mapping down, for
/// which it takes the reservation object: that must not be held.
///
/// Derefs to the addresses for the device. There are no pages: the exporter's memory may be of any
/// kind, and belongs to it.
///
/// # Invariants
///
/// `table` is mapped for `attachment`, which knows it by `key`, and stays so as long as this object
/// exists.
///
/// # Examples
///
/// See [`Attachment`].
pub struct Mapping<A: AttachmentHandle> {
    table: Table,
    key: Key,
    attachment: A,
}

// SAFETY: A mapping is not tied to a thread.
unsafe impl<A: AttachmentHandle + Send> Send for Mapping<A> {}

// SAFETY: The table does not change.
unsafe impl<A: AttachmentHandle + Sync> Sync for Mapping<A> {}

impl<A: AttachmentHandle> Mapping<A> {
    /// Makes the memory accessible to the device of `attachment`.
    ///
    /// See [`Attachment::map_unlocked`].
    #[inline]
    pub fn new(attachment: A, dir: DataDirection) -> Result<Self> {
        attachment.attachment().buffer().resv().assert_not_held();
        // A statement of its own: unlocks at its end.
        let (table, key) = attachment.attachment().attached().lock().map(dir)?;

        // INVARIANT: Mapped just above, and `key` is only ours.
        Ok(Self {
            table,
            key,
            attachment,
        })
    }

    /// The attachment.
    #[inline]
    pub fn attachment(&self) -> &Attachment<A::Binding> {
        self.attachment.attachment()
    }
}

impl Mapping<Attachment<Managed>> {
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
    ///     dma_buf::{importer::{Attachment, Managed, Mapping}, DmaBuf},
    ///     prelude::*,
    ///     sync::aref::ARef,
    /// };
    ///
    /// /// Something that user space keeps a handle of.
    /// struct Object {
    ///     memory: Devres<Mapping<Attachment<Managed>>>,
    /// }
    ///
    /// fn import(dev: &Device<Bound>, buf: ARef<DmaBuf>) -> Result<Object> {
    ///     Ok(Object { memory: Mapping::new_managed(buf, dev, DataDirection::Bidirectional)? })
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
    pub fn new_managed(
        buf: ARef<DmaBuf>,
        dev: &Device<Bound>,
        dir: DataDirection,
    ) -> Result<Devres<Self>> {
        // SAFETY: Goes into a `Devres` for `dev` at once.
        let attachment = Attachment::new(buf, unsafe { Managed::new(dev) })?;

        Devres::new(dev, Self::new(attachment, dir)?)
    }
}

impl<A: AttachmentHandle> Deref for Mapping<A> {
    type Target = SGTable;

    #[inline]
    fn deref(&self) -> &SGTable {
        // SAFETY: By the type invariant the table stays, and nobody changes one that is mapped.
        unsafe { SGTable::from_raw(self.table.as_ptr()) }
    }
}

impl<A: AttachmentHandle> Drop for Mapping<A> {
    #[inline]
    fn drop(&mut self) {
        let attachment = self.attachment.attachment();

        attachment.buffer().resv().assert_not_held();
        attachment.attached().lock().unmap(self.key);
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
    table: Table,
    key: Key,
    attachment: &'a Attachment<D>,
    locked: LockedAttached<'a>,
}

impl<'a, D: KeepsBound> LockedMapping<'a, D> {
    /// `locked` must be what `attachment` holds.
    #[inline]
    pub(super) fn new(
        attachment: &'a Attachment<D>,
        mut locked: LockedAttached<'a>,
        dir: DataDirection,
    ) -> Result<Self> {
        let (table, key) = locked.map(dir)?;

        // INVARIANT: Mapped just above, and `key` is only ours.
        Ok(Self {
            table,
            key,
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
        // INVARIANT: The key is not used by its former owner any more.
        Mapping {
            table: self.table,
            key: mem::replace(&mut self.key, Key::NONE),
            attachment: self.attachment,
        }
    }
}

impl<D: KeepsBound> Drop for LockedMapping<'_, D> {
    #[inline]
    fn drop(&mut self) {
        self.locked.unmap(self.key);
    }
}

impl<D: KeepsBound> Deref for LockedMapping<'_, D> {
    type Target = SGTable;

    #[inline]
    fn deref(&self) -> &SGTable {
        // SAFETY: As for `Mapping`.
        unsafe { SGTable::from_raw(self.table.as_ptr()) }
    }
}
