// SPDX-License-Identifier: GPL-2.0

//! Sharing GEM objects with other devices, as dma-bufs (PRIME).
//!
//! A driver implements [`PrimeObject`] for its part of an object, and names that in
//! [`DriverObject::HOOKS`]. The object itself is of a [`PrimeClass`]: [`Object`] or
//! `shmem::Object`. One that is made of a dma-buf ([`Object::new_imported`]) keeps that, has its
//! reservation object, and DRM's helpers know where it comes from.
//!
//! C header: [`include/drm/drm_prime.h`](srctree/include/drm/drm_prime.h)

use super::{
    DriverAllocImpl,
    DriverObject,
    IntoGEMObject,
    Object, //
};
use crate::{
    bindings,
    dma_buf::{
        trampoline::Ref,
        DmaBuf, //
    },
    drm::{
        self,
        driver::AllocImpl,
        DeviceContext,
        Registered, //
    },
    interop,
    page::PAGE_SIZE,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};
use core::{
    marker::PhantomData,
    mem::offset_of,
    ptr::{
        self,
        NonNull, //
    },
};

/// A class of objects that can be shared.
pub trait PrimeClass: AllocImpl + AlwaysRefCounted + 'static {
    /// Where in it DRM's object is.
    #[doc(hidden)]
    const OFFSET: usize;

    /// The dma-buf that the object was imported from, if it was.
    fn imported_from(&self) -> Option<&DmaBuf>;

    /// Whether the object belongs to `dev`.
    fn belongs_to(&self, dev: &drm::Device<Self::Driver>) -> bool;
}

impl<T: DriverObject> PrimeClass for Object<T> {
    const OFFSET: usize = offset_of!(Self, obj);

    #[inline]
    fn imported_from(&self) -> Option<&DmaBuf> {
        self.imported_from()
    }

    #[inline]
    fn belongs_to(&self, dev: &drm::Device<T::Driver>) -> bool {
        self.belongs_to(dev)
    }
}

/// The driver's part of an object that other devices can use, and that may be theirs.
///
/// Where it is not in [`DriverObject::HOOKS`], DRM's own exporter lets user space map the buffer of
/// an [`Object`], and no device, and imports nothing else.
pub trait PrimeObject: DriverObject<Driver: drm::Driver<Object: PrimeClass>> {
    /// Exports the object as a dma-buf, which must keep the object. Called for an object that has
    /// no dma-buf yet.
    ///
    /// `flags` are open flags of the file.
    fn export(obj: &DriverAllocImpl<Self>, flags: u32) -> Result<ARef<DmaBuf>>;

    /// Makes an object of a dma-buf: the same one if it was exported of an object of this device,
    /// otherwise [`Object::new_imported`]. One that belongs to another dma-buf is refused with
    /// `EINVAL`.
    ///
    /// The lock of the device's object names is held: the object's handles and names must be left
    /// alone.
    fn import(
        dev: &drm::Device<Self::Driver, Registered>,
        buf: &DmaBuf,
    ) -> Result<ARef<DriverAllocImpl<Self>>>;
}

/// The dma-buf that an object is made of.
///
/// # Invariants
///
/// `attachment` names `buf`.
pub(super) struct Imported {
    // For helpers of DRM, which ask an object's attachment for the buffer, and for nothing else. A
    // real one ends when its device is unbound, and objects do not.
    attachment: KBox<interop::object::Object<bindings::dma_buf_attachment>>,
    buf: ARef<DmaBuf>,
}

impl Imported {
    /// Fails with `ENOMEM`.
    ///
    /// Fails with `EINVAL`, too, if the buffer is not whole pages.
    pub(super) fn new(buf: ARef<DmaBuf>) -> Result<Self> {
        let size = buf.size();

        if size == 0 || size % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        let attachment = interop::object::Object::new(bindings::dma_buf_attachment {
            dmabuf: buf.as_raw(),
            ..pin_init::zeroed()
        });

        // INVARIANT: As was said just above.
        Ok(Self {
            attachment: KBox::new(attachment, GFP_KERNEL)?,
            buf,
        })
    }

    #[inline]
    pub(super) fn buffer(&self) -> &DmaBuf {
        &self.buf
    }

    /// Keeps the buffer as long as it is mapped: who forgets that has leaked both.
    #[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
    #[inline]
    pub(super) fn keep_mapped(&self) {
        core::mem::forget(self.buf.clone());
    }

    /// # Safety
    ///
    /// To be called once for each [`keep_mapped`](Self::keep_mapped).
    #[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
    #[inline]
    pub(super) unsafe fn unkeep_mapped(&self) {
        // SAFETY: The reference was forgotten there, by the caller's guarantee.
        drop(unsafe { ARef::from_raw(NonNull::from(&*self.buf)) });
    }
}

/// Tells DRM about the dma-buf that a new object is made of, if `imported` gives one, which the
/// object keeps.
pub(super) fn adopt<O: IntoGEMObject>(
    obj: Pin<KBox<O>>,
    imported: fn(&O) -> Option<&Imported>,
) -> Pin<KBox<O>> {
    if let Some(imported) = imported(&obj) {
        let raw = obj.as_raw();

        // SAFETY: The object is initialised, and nobody else knows it yet. What it was imported
        // from stays until it is dropped, after its last use: the attachment, and the buffer, which
        // has the reservation object.
        unsafe {
            (*raw).import_attach = imported.attachment.get();
            (*raw).resv = imported.buf.resv().as_raw();
        }
    }
    obj
}

impl<T: DriverObject> Object<T> {
    /// Makes an object of the memory of `buf`, with whose reservation object it is.
    ///
    /// The object keeps `buf`. Fails with `EINVAL` if that is not whole pages; as
    /// [`new`](Self::new) otherwise. May sleep.
    pub fn new_imported(
        dev: &drm::Device<T::Driver>,
        buf: ARef<DmaBuf>,
        args: T::Args,
    ) -> Result<ARef<Self>> {
        let size = buf.size();

        Self::with(dev, size, args, Some(Imported::new(buf)?))
    }
}

impl<T: DriverObject, Ctx: DeviceContext> Object<T, Ctx> {
    /// The dma-buf that the object was imported from, if it was.
    #[inline]
    pub fn imported_from(&self) -> Option<&DmaBuf> {
        self.imported.as_ref().map(Imported::buffer)
    }

    /// Whether the object belongs to `dev`.
    #[inline]
    pub fn belongs_to(&self, dev: &drm::Device<T::Driver>) -> bool {
        ptr::eq::<drm::Device<T::Driver>>(&*self.owner, dev)
    }
}

// SAFETY: DRM's functions for objects may be called by any thread, and so may the driver's part.
unsafe impl<T: DriverObject, Ctx: DeviceContext> Send for Object<T, Ctx> {}

// SAFETY: As above.
unsafe impl<T: DriverObject, Ctx: DeviceContext> Sync for Object<T, Ctx> {}

/// What DRM calls an object that `T` is in.
pub(super) type Obj<T> = Ref<DriverAllocImpl<T>, bindings::drm_gem_object>;

/// What DRM calls a device that such objects belong to.
pub(super) type Dev<T> = Ref<DeviceOf<T>, bindings::drm_device>;

/// A device of the driver of `T`.
///
/// # Invariants
///
/// It has been registered.
#[repr(transparent)]
pub(super) struct DeviceOf<T>(Opaque<bindings::drm_device>, PhantomData<T>);

impl<T: DriverObject> DeviceOf<T> {
    /// Fails with `ENODEV` when the device is gone.
    pub(super) fn registered<R>(
        &self,
        f: impl FnOnce(&drm::Device<T::Driver, Registered>) -> Result<R>,
    ) -> Result<R> {
        // SAFETY: By the type invariant.
        let dev = unsafe { drm::Device::<T::Driver, drm::Ioctl>::from_raw(self.0.get()) };
        let guard = dev.registration_guard().ok_or(ENODEV)?;

        f(&guard)
    }
}

/// `export` of `struct drm_gem_object_funcs`.
#[inline(always)]
pub(super) fn export<T: PrimeObject>(
    obj: &DriverAllocImpl<T>,
    flags: c_int,
) -> Result<NonNull<bindings::dma_buf>> {
    T::export(obj, flags as u32).map(|buf| ARef::into_raw(buf).cast())
}

/// `gem_prime_import` of `struct drm_driver`.
#[inline(always)]
pub(super) fn import<T: PrimeObject>(
    dev: &DeviceOf<T>,
    buf: &DmaBuf,
) -> Result<NonNull<bindings::drm_gem_object>> {
    dev.registered(|dev| {
        let obj = T::import(dev, buf)?;
        // SAFETY: The object is there. What it says is not changed, as the lock for that is held.
        let known = unsafe { (*obj.as_raw()).dma_buf };

        let is_of_it = match obj.imported_from() {
            Some(from) => ptr::eq(from.as_raw(), buf.as_raw()),
            // Its buffer may be forgotten, when it has no handle any more.
            None => known.is_null() || known == buf.as_raw(),
        };
        if obj.belongs_to(dev) && is_of_it {
            // The reference is DRM's now.
            Ok(ARef::into_raw(obj).cast())
        } else {
            Err(EINVAL)
        }
    })
}
