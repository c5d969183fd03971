// SPDX-License-Identifier: GPL-2.0

//! Attachments for which the memory stays where it is.

use super::{
    attached::Attached,
    binding::{
        InDevres, //
        KeepsBound,
    },
    raw::RawAttachment, //
};
use crate::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    devres::Devres,
    dma_buf::buffer::DmaBuf,
    prelude::*,
    sync::aref::ARef, //
};
use core::hint::unreachable_unchecked;

/// What detaches the device: the drop of the attachment, or, should that be forgotten, the
/// unbinding of the device.
enum Held {
    Own(Attached),
    UntilUnbound(Devres<Attached>),
}

/// The use of a buffer by a device that copes only with memory that stays where it is. Drop takes
/// down mappings that were forgotten, and detaches the device; the reservation object must not be
/// held then.
///
/// Exporters whose memory can move pin it as long as it is mapped for such a device. Before a
/// mapping is given out the fences of [`Usage::Kernel`] are waited for; those that stand for the
/// contents are left to the driver.
///
/// [`Usage::Kernel`]: crate::dma_buf::Usage::Kernel
///
/// # Invariants
///
/// `held` is an attachment of the device of `dev`. If it is in a [`Devres`], that is one for this
/// device.
///
/// # Examples
///
/// In a callback of a bus:
///
/// ```
/// use kernel::{
///     device::{Bound, Device},
///     dma::DataDirection,
///     dma_buf::{importer::Attachment, DmaBuf},
///     prelude::*,
/// };
///
/// /// How many pieces the memory consists of for `dev`.
/// fn pieces(dev: &Device<Bound>, fd: i32) -> Result<usize> {
///     let attachment = Attachment::new(DmaBuf::from_fd(fd)?, dev)?;
///     let mapping = attachment.map_unlocked(DataDirection::ToDevice)?;
///
///     for entry in mapping.iter() {
///         let _ = (entry.dma_address(), entry.dma_len()); // Tell the device.
///     }
///     Ok(mapping.iter().count())
/// }
/// ```
pub struct Attachment<D: KeepsBound> {
    // Dropped in this order: the device is detached while it is bound.
    held: Held,
    dev: D,
}

impl<D: KeepsBound> Attachment<D> {
    /// Attaches the device of `dev` to `buf`.
    ///
    /// Fails with `ENOMEM`, or with what the exporter fails with, usually `EBUSY` if the device
    /// cannot reach the memory. May sleep; the reservation object must not be held.
    #[inline]
    pub fn new(buf: ARef<DmaBuf>, dev: D) -> Result<Self> {
        let device = dev.device();

        buf.resv().assert_not_held();
        // SAFETY: Both are valid, and are kept by the result.
        let raw = unsafe {
            let ret = bindings::dma_buf_attach(buf.as_raw(), device.as_raw());
            RawAttachment::new(ret, buf, device)?
        };

        let attached = Attached::new(raw);
        let held = if D::FORGETTABLE {
            Held::UntilUnbound(Devres::new(device, attached)?)
        } else {
            Held::Own(attached)
        };

        // INVARIANT: Attached just above, and the `Devres` is for the device.
        Ok(Self { held, dev })
    }

    #[inline]
    pub(super) fn attached(&self) -> &Attached {
        match &self.held {
            Held::Own(attached) => attached,
            Held::UntilUnbound(devres) => match devres.access(self.device()) {
                Ok(attached) => attached,
                // SAFETY: By the type invariant, and because `KeepsBound` always gives the same
                // device, it is the right one, and that is all that could be wrong.
                Err(_) => unsafe { unreachable_unchecked() },
            },
        }
    }

    /// The buffer.
    #[inline]
    pub fn buffer(&self) -> &DmaBuf {
        self.attached().buffer()
    }

    /// The device.
    #[inline]
    pub fn device(&self) -> &Device<Bound> {
        self.dev.device()
    }
}

impl Attachment<InDevres> {
    /// As [`new`](Self::new), but for as long as `dev` is bound and no longer, whoever has the
    /// result then.
    #[inline]
    pub fn new_devres(buf: ARef<DmaBuf>, dev: &Device<Bound>) -> Result<Devres<Self>> {
        // SAFETY: Goes into a `Devres` for `dev` at once.
        let attachment = Self::new(buf, unsafe { InDevres::new(dev) })?;

        Devres::new(dev, attachment)
    }
}

impl<D: KeepsBound> Drop for Attachment<D> {
    #[inline]
    fn drop(&mut self) {
        // The fields do all that is to be done. But without this a `D` that is a reference could
        // have ended before.
    }
}
