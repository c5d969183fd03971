// SPDX-License-Identifier: GPL-2.0

//! An object, and what its driver does for it.

use super::{
    super::{
        impl_aref_for_gem_obj,
        IntoGEMObject, //
    },
    args::DumbArgs, //
};
use crate::{
    bindings,
    dma::CoherentOwner,
    dma_buf::{
        DmaBuf,
        Resv, //
    },
    drm::{
        self,
        Registered, //
    },
    error::VTABLE_DEFAULT_ERROR,
    interop,
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef, //
};
use core::{
    ops::Deref,
    ptr, //
};

/// The driver's part of an [`Object`].
///
/// Dropping it releases the memory, when the last reference to the object is gone, in a context
/// that may sleep.
#[vtable]
pub trait DumbObject: Send + Sync + Sized + 'static {
    /// The driver that has such objects.
    type Driver: drm::Driver<Object = Object<Self>>;

    /// What each line's length in bytes must be a multiple of; 0 if the hardware does not care.
    const PITCH_ALIGN: usize = 0;

    /// Makes a dumb buffer of `args.size()` bytes: [`Object::new`].
    ///
    /// The memory must be zeroed, user space will see it.
    fn create(
        dev: &drm::Device<Self::Driver, Registered>,
        args: &DumbArgs,
    ) -> Result<ARef<Object<Self>>>;

    /// Where in the DRM device's file the object can be mapped: usually
    /// [`create_mmap_offset`], which always gives the same.
    ///
    /// Imported objects are not mapped through the DRM device; who asks gets `EINVAL` and may map
    /// the dma-buf.
    ///
    /// [`create_mmap_offset`]: crate::drm::gem::BaseObject::create_mmap_offset
    fn map_offset(obj: &Object<Self>) -> Result<u64>;

    /// Maps the object into user space.
    ///
    /// `vma` is as long as the object or shorter, and begins where the object begins. It has been
    /// told not to grow, and not to be in core dumps. The mmap lock is held.
    fn mmap(obj: &Object<Self>, vma: ObjectVma<'_, Self>) -> Result;

    /// Exports the object as a dma-buf, which must keep the object. Called for an object that has
    /// no dma-buf yet.
    ///
    /// `flags` are open flags of the file. Without it, DRM's own exporter lets user space map the
    /// buffer, and no device.
    fn export(_obj: &Object<Self>, _flags: u32) -> Result<ARef<DmaBuf>> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Makes an object of a dma-buf: the same one if it was exported of an object of this device,
    /// otherwise [`Object::new_imported`].
    ///
    /// The lock of the device's object names is held: the object's handles and names must be left
    /// alone. Without it user space gets `EINVAL`, but for DRM's own export of the same device.
    fn import(
        _dev: &drm::Device<Self::Driver, Registered>,
        _buf: &DmaBuf,
    ) -> Result<ARef<Object<Self>>> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// A GEM object whose memory the driver manages.
///
/// # Invariants
///
/// `obj` is initialised, for the device `dev`. If `buf` is there, `obj` uses its reservation
/// object.
#[repr(C)]
#[pin_data]
pub struct Object<T: DumbObject> {
    // First: a pointer to the one is a pointer to the other.
    pub(super) obj: interop::object::Object<bindings::drm_gem_object>,
    // Dropped in this order.
    #[pin]
    pub(super) data: T,
    pub(super) buf: Option<ARef<DmaBuf>>,
    pub(super) dev: ARef<drm::Device<T::Driver>>,
}

impl_aref_for_gem_obj! {
    impl<T> for Object<T>
    where
        T: DumbObject
}

impl<T: DumbObject> drm::private::Sealed for Object<T> {}

impl<T: DumbObject> Deref for Object<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T: DumbObject> IntoGEMObject for Object<T> {
    #[inline]
    fn as_raw(&self) -> *mut bindings::drm_gem_object {
        self.obj.get()
    }

    #[inline]
    unsafe fn from_raw<'a>(obj: *mut bindings::drm_gem_object) -> &'a Self {
        // SAFETY: By the caller's guarantee.
        unsafe { &*crate::container_of!(obj.cast::<interop::object::Object<_>>(), Self, obj) }
    }
}

impl<T: DumbObject> Object<T> {
    /// The device that the object belongs to.
    #[inline]
    pub fn dev(&self) -> &drm::Device<T::Driver> {
        &self.dev
    }

    /// Whether the object belongs to `dev`.
    #[inline]
    pub fn belongs_to(&self, dev: &drm::Device<T::Driver>) -> bool {
        ptr::eq(self.dev(), dev)
    }

    /// The reservation object: the lock and the implicit fences of the object.
    #[inline]
    pub fn resv(&self) -> &Resv {
        // SAFETY: By the type invariant; it is the object's own or that of `buf`.
        unsafe { Resv::from_raw((*self.obj.get()).resv) }
    }

    /// The dma-buf that the object was imported from, if it was.
    #[inline]
    pub fn imported_from(&self) -> Option<&DmaBuf> {
        self.buf.as_deref()
    }
}

/// An area of user space that an object is being mapped into.
///
/// # Invariants
///
/// `vma` is being set up, and keeps `obj`; so do all areas that become of it when it is split or
/// inherited.
pub struct ObjectVma<'a, T: DumbObject> {
    vma: &'a VmaNew,
    obj: &'a Object<T>,
}

impl<'a, T: DumbObject> ObjectVma<'a, T> {
    /// # Safety
    ///
    /// The type invariant must hold.
    #[inline]
    pub(super) unsafe fn new(vma: &'a VmaNew, obj: &'a Object<T>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self { vma, obj }
    }
}

impl<T: DumbObject> Deref for ObjectVma<'_, T> {
    type Target = VmaNew;

    #[inline]
    fn deref(&self) -> &VmaNew {
        self.vma
    }
}

impl<T: DumbObject + CoherentOwner> ObjectVma<'_, T> {
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
