// SPDX-License-Identifier: GPL-2.0

//! GEM objects of drivers that manage the memory of dumb buffers themselves.
//!
//! A dumb buffer is memory for pixels that any program can allocate, map and show without knowing
//! the driver. A driver implements [`DumbObject`] for its part of such an object and makes
//! [`Object`] its [`drm::Driver::Object`].
//!
//! # Lifetime
//!
//! An object lives as long as somebody refers to it: a handle, an area that maps it, a dma-buf that
//! was exported of it, a framebuffer. Each object keeps its [`drm::Device`]. None keeps the parent
//! device bound: after that is unbound, all calls through files of the DRM device fail with
//! `ENODEV` and areas that map objects through such files are emptied, while objects and exported
//! dma-bufs stay, with their contents, until their last reference is gone. The
//! [`drm::RegistrationGuard`] that [`DumbObject::create`] and [`DumbObject::import`] are called
//! under says that the parent is bound; an object that needs it later asks for one, too.
//!
//! [`drm::Device`]: crate::drm::Device
//! [`drm::Driver::Object`]: crate::drm::Driver::Object
//! [`drm::RegistrationGuard`]: crate::drm::RegistrationGuard
//!
//! C headers: [`include/drm/drm_gem.h`](srctree/include/drm/drm_gem.h),
//! [`include/drm/drm_dumb_buffers.h`](srctree/include/drm/drm_dumb_buffers.h)

mod args;
mod memory;
mod object;
mod operations;

pub use self::{
    args::DumbArgs,
    memory::contiguous_address,
    object::{
        DumbObject,
        Object,
        ObjectVma, //
    },
};
