// SPDX-License-Identifier: GPL-2.0

//! Importing a buffer: using memory that somebody else exports.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
//!
//! [`DmaBuf::from_fd`] gives the buffer that user space means. The CPU gets at its contents through
//! [`DmaBuf::vmap`], between [`DmaBuf::begin_cpu_access`] and the end of what that returns. A
//! device is attached first, and then the memory is mapped for it:
//!
//! - [`Attachment`] is for devices that can cope with memory only if it stays where it is, which is
//!   most of them. [`Mapping`] derefs to the [`SGTable`] with the addresses for the device, and
//!   takes the mapping down when it is dropped.
//! - [`DynamicAttachment`] is for devices whose memory management can follow memory that moves. The
//!   exporter tells them so ([`DynamicImporter::invalidate_mappings`]), and they map again.
//!
//! Both keep the buffer, and say by [`KeepsBound`] why the device stays bound to its driver as long
//! as they exist.
//!
//! What is here belongs to its owner, and is undone by drop, in the right order: a mapping before
//! its attachment, an attachment before its buffer. A mapping that is forgotten
//! ([`mem::forget`](core::mem::forget)) is taken down with its attachment. An attachment that is
//! forgotten goes when the device is unbound. That is never, if the attachment owns what
//! [keeps it bound](KeepsBound): it stays, with the device, the buffer and its memory.
//!
//! # Locking
//!
//! Whoever has the reservation object of the buffer locked must not drop what takes it to be
//! undone: [`Attachment`], [`Mapping`], [`DynamicAttachment`] and [`Vmap`]. What is called `Locked`
//! is undone with the lock held, and cannot outlive it.
//!
//! [`SGTable`]: crate::scatterlist::SGTable

use super::DmaBuf;
use crate::{
    bindings,
    error::from_err_ptr,
    prelude::*,
    sync::aref::ARef, //
};
use core::ptr::NonNull;

mod attached;
mod attachment;
mod binding;
mod cpu_access;
mod dynamic;
#[cfg(CONFIG_DMABUF_EMULATED_DEVICE)]
mod emulated;
mod mapping;
mod moving;
mod vmap;

#[cfg(CONFIG_DMABUF_EMULATED_DEVICE)]
pub use self::emulated::{
    DeviceReader,
    Emulated,
    EmulatedDevice, //
};
pub use self::{
    attachment::{
        Attachment,
        LockedAttachment, //
    },
    binding::{
        KeepsBound,
        Managed, //
    },
    cpu_access::CpuAccess,
    dynamic::{
        DynamicAttachment,
        DynamicImporter,
        LockedDynamic, //
    },
    mapping::{
        AttachmentHandle,
        LockedMapping,
        Mapping, //
    },
    moving::MovingAttachment,
    vmap::{
        LockedVmap,
        Vmap, //
    },
};

impl DmaBuf {
    /// The buffer that the calling process knows as `fd`.
    ///
    /// Fails with `EBADF` if there is no such file, and with `EINVAL` if it is no buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::DmaBuf;
    ///
    /// assert_eq!(DmaBuf::from_fd(-1).err(), Some(EBADF));
    /// ```
    #[inline]
    pub fn from_fd(fd: i32) -> Result<ARef<Self>> {
        // SAFETY: Any number may be asked for.
        let buf = from_err_ptr(unsafe { bindings::dma_buf_get(fd) })?;

        // SAFETY: What is no error is a buffer, with a reference for us.
        NonNull::new(buf)
            .map(|buf| unsafe { ARef::from_raw(buf.cast()) })
            .ok_or(EINVAL)
    }
}
