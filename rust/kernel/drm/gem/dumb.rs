// SPDX-License-Identifier: GPL-2.0

//! GEM objects of drivers that manage the memory of dumb buffers themselves.
//!
//! A dumb buffer is memory for pixels that any program can allocate, map and show without knowing
//! the driver. A driver implements [`DumbObject`] for its part of such an [`Object`], and names
//! that in [`DriverObject::HOOKS`].
//!
//! # Lifetime
//!
//! An object lives as long as somebody refers to it: a handle, an area that maps it, a dma-buf that
//! was exported of it, a framebuffer. Each object keeps its [`drm::Device`]. None keeps the parent
//! device bound: after that is unbound, all calls through files of the DRM device fail with
//! `ENODEV` and areas that map objects through such files are emptied, while objects and exported
//! dma-bufs stay, with their contents, until their last reference is gone. The
//! [`drm::RegistrationGuard`] that [`DumbObject::create`] and [`PrimeObject::import`] are called
//! under says that the parent is bound; an object that needs it later asks for one, too.
//!
//! [`Object`]: super::Object
//! [`DriverObject::HOOKS`]: super::DriverObject::HOOKS
//! [`PrimeObject::import`]: super::prime::PrimeObject::import
//! [`drm::Device`]: crate::drm::Device
//! [`drm::RegistrationGuard`]: crate::drm::RegistrationGuard
//!
//! C headers: [`include/drm/drm_gem.h`](srctree/include/drm/drm_gem.h),
//! [`include/drm/drm_dumb_buffers.h`](srctree/include/drm/drm_dumb_buffers.h)

mod args;
mod memory;
mod object;
mod operations;

pub(super) use self::operations::{
    create,
    map_offset,
    mmap,
    File,
    VM_OPS, //
};
pub use self::{
    args::DumbArgs,
    memory::contiguous_address,
    object::{
        DumbObject,
        ObjectVma, //
    },
};
