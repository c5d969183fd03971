// SPDX-License-Identifier: GPL-2.0

//! Attachments for which the memory stays where it is.

use super::{
    attached::{
        Attached,
        LockedAttached, //
    },
    binding::Managed,
    mapping::{
        LockedMapping,
        Mapping, //
    },
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
    sync::aref::ARef,
};
use core::{
    hint::unreachable_unchecked,
    ptr::NonNull, //
};

/// An attachment of either kind. Drop detaches.
///
/// # Invariants
///
/// `ptr` is an attachment of `dev` to `buf`, which only this object detaches.
pub(super) struct RawAttachment {
    ptr: NonNull<bindings::dma_buf_attachment>,
    buf: ARef<DmaBuf>,
    // Whoever looks at the attachments of a buffer looks at their devices, too.
    _dev: ARef<Device>,
}

// SAFETY: Attachments are not tied to a thread.
unsafe impl Send for RawAttachment {}

// SAFETY: What can be done with a shared reference is synchronised by the C API.
unsafe impl Sync for RawAttachment {}

impl RawAttachment {
    /// Takes over what `dma_buf_attach()` or `dma_buf_dynamic_attach()` returned.
    ///
    /// # Safety
    ///
    /// `ret` must be an error, or a new attachment of `dev` to `buf`.
    #[inline]
    pub(super) unsafe fn new(
        ret: *mut bindings::dma_buf_attachment,
        buf: ARef<DmaBuf>,
        dev: &Device<Bound>,
    ) -> Result<Self> {
        // INVARIANT: By the caller's guarantee.
        Ok(Self {
            ptr: NonNull::new(from_err_ptr(ret)?).ok_or(EINVAL)?,
            buf,
            _dev: dev.into(),
        })
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *mut bindings::dma_buf_attachment {
        self.ptr.as_ptr()
    }

    #[inline]
    pub(super) fn buffer(&self) -> &DmaBuf {
        &self.buf
    }
}

impl Drop for RawAttachment {
    #[inline]
    fn drop(&mut self) {
        self.buf.resv().assert_not_held();
        // SAFETY: By the type invariant it is attached.
        unsafe { bindings::dma_buf_detach(self.buf.as_raw(), self.as_ptr()) };
    }
}

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

    /// Makes the memory accessible to the device, as long as the result exists.
    ///
    /// Takes the reservation object. As [`LockedAttachment::map`] otherwise.
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
    ///     if !locked.guard().reserve_slots(1)?.add(job, Usage::Write) {
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

impl Attachment<Managed> {
    /// As [`new`](Self::new), but for as long as `dev` is bound and no longer, whoever has the
    /// result then.
    #[inline]
    pub fn new_managed(buf: ARef<DmaBuf>, dev: &Device<Bound>) -> Result<Devres<Self>> {
        // SAFETY: Goes into a `Devres` for `dev` at once.
        let attachment = Self::new(buf, unsafe { Managed::new(dev) })?;

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
