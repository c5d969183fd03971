// SPDX-License-Identifier: GPL-2.0

//! Importing a buffer: using memory that somebody else exports.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
//!
//! [`DmaBuf::from_fd`] gives the buffer that user space means. The CPU gets at its contents through
//! [`DmaBuf::vmap`], between [`DmaBuf::begin_cpu_access`] and the end of what that returns. A
//! process that maps a file of the driver gets to see a buffer there by [`DmaBuf::mmap`]. A device
//! is attached first, and then the memory is mapped for it:
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
//! [`DmaBuf::from_fd`]: super::DmaBuf::from_fd
//! [`DmaBuf::vmap`]: super::DmaBuf::vmap
//! [`DmaBuf::mmap`]: super::DmaBuf::mmap
//! [`DmaBuf::begin_cpu_access`]: super::DmaBuf::begin_cpu_access
//! [`SGTable`]: crate::scatterlist::SGTable

mod attached;
mod attachment;
mod binding;
mod cpu_access;
mod dynamic;
#[cfg(CONFIG_DMABUF_EMULATED_DEVICE)]
mod emulated;
mod from_fd;
mod locked;
mod locked_dynamic;
mod mapping;
mod mmap;
mod raw;
mod signalling;
mod vmap;

#[cfg(CONFIG_DMABUF_EMULATED_DEVICE)]
pub use self::emulated::{
    DeviceReader,
    Emulated,
    EmulatedDevice, //
};
pub use self::{
    attachment::Attachment,
    binding::{
        InDevres, //
        KeepsBound,
    },
    cpu_access::CpuAccess,
    dynamic::DynamicAttachment,
    locked::{
        LockedAttachment,
        LockedMapping, //
    },
    locked_dynamic::{
        DynamicImporter,
        LockedDynamic,
        MovingAttachment, //
    },
    mapping::{
        AttachmentHandle,
        Mapping, //
    },
    signalling::{
        MappingView,
        VmapView, //
    },
    vmap::{
        LockedVmap,
        Vmap, //
    },
};
