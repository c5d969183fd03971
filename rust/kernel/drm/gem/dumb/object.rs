// SPDX-License-Identifier: GPL-2.0

//! What a driver does for dumb buffers.

use super::{
    super::{
        BaseObject,
        DriverObject,
        Object, //
    },
    args::DumbArgs, //
};
use crate::{
    dma::CoherentOwner,
    drm::{
        self,
        Registered, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef, //
};
use core::ops::Deref;

/// The driver's part of an [`Object`] that can be a dumb buffer.
///
/// Dropping it releases the memory, when the last reference to the object is gone, in a context
/// that may sleep.
pub trait DumbObject: DriverObject<Driver: drm::Driver<Object = Object<Self>>> {
    /// What each line's length in bytes must be a multiple of; 0 if the hardware does not care.
    const PITCH_ALIGN: usize = 0;

    /// Makes a dumb buffer of `args.size()` bytes: [`Object::new`].
    ///
    /// The memory must be zeroed, user space will see it.
    fn create(
        dev: &drm::Device<Self::Driver, Registered>,
        args: &DumbArgs,
    ) -> Result<ARef<Object<Self>>>;

    /// Where in the DRM device's file the object can be mapped. Always the same.
    ///
    /// Imported objects are not mapped through the DRM device; who asks gets `EINVAL` and may map
    /// the dma-buf.
    fn map_offset(obj: &Object<Self>) -> Result<u64> {
        obj.create_mmap_offset()
    }

    /// Maps the object into user space.
    ///
    /// `vma` is as long as the object or shorter, and begins where the object begins. It has been
    /// told not to grow, and not to be in core dumps. The mmap lock is held.
    fn mmap(obj: &Object<Self>, vma: ObjectVma<'_, Self>) -> Result;
}

/// An area of user space that an object is being mapped into.
///
/// # Invariants
///
/// `vma` is being set up, and keeps `obj`; so do all areas that become of it when it is split or
/// inherited.
pub struct ObjectVma<'a, T: DriverObject> {
    vma: &'a VmaNew,
    obj: &'a Object<T>,
}

impl<'a, T: DriverObject> ObjectVma<'a, T> {
    /// # Safety
    ///
    /// The type invariant must hold.
    #[inline]
    pub(super) unsafe fn new(vma: &'a VmaNew, obj: &'a Object<T>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self { vma, obj }
    }
}

impl<T: DriverObject> Deref for ObjectVma<'_, T> {
    type Target = VmaNew;

    #[inline]
    fn deref(&self) -> &VmaNew {
        self.vma
    }
}

impl<T: DriverObject + CoherentOwner> ObjectVma<'_, T> {
    /// Maps the object's coherent memory, all of the area at once, so that there will be no page
    /// faults. Fails as [`CoherentOwner::coherent`] and
    /// [`Coherent::mmap`](crate::dma::Coherent::mmap).
    #[inline]
    pub fn map_coherent(self) -> Result {
        let memory = T::coherent(self.obj)?;

        // SAFETY: By the type invariant the areas keep the object, and the object its data, which
        // is pinned and never borrowed mutably before it is dropped. So the borrow of the memory
        // could as well last until then. `self` ends here, and so does everything that was borrowed
        // from it.
        unsafe { memory.mmap(self.vma) }
    }
}
