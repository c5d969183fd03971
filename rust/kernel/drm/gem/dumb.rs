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
//! C headers: [`include/drm/drm_gem.h`](srctree/include/drm/drm_gem.h),
//! [`include/drm/drm_dumb_buffers.h`](srctree/include/drm/drm_dumb_buffers.h)

use super::{
    impl_aref_for_gem_obj,
    BaseObject,
    IntoGEMObject, //
};
use crate::{
    bindings,
    dma_buf::{
        to_errno,
        DmaBuf,
        Resv, //
    },
    drm::{
        self,
        driver::{
            AllocImpl,
            AllocOps, //
        },
        Ioctl,
        Registered, //
    },
    error::{
        to_result,
        VTABLE_DEFAULT_ERROR, //
    },
    mm::virt::VmaNew,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};
use core::{
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

mod args;
mod memory;

pub use self::{
    args::DumbArgs,
    memory::{
        contiguous_address,
        ObjectVma, //
    },
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
    /// [`create_mmap_offset`](BaseObject::create_mmap_offset), which always gives the same.
    ///
    /// Imported objects are not mapped through the DRM device; who asks gets `EINVAL` and may map
    /// the dma-buf.
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
    obj: Opaque<bindings::drm_gem_object>,
    // Dropped in this order.
    #[pin]
    data: T,
    buf: Option<ARef<DmaBuf>>,
    dev: ARef<drm::Device<T::Driver>>,
}

// SAFETY: A GEM object is not tied to a thread, and neither are the device and `T`.
unsafe impl<T: DumbObject> Send for Object<T> {}

// SAFETY: A GEM object is made to be used by several threads, and so are the device and `T`.
unsafe impl<T: DumbObject> Sync for Object<T> {}

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
        unsafe { &*crate::container_of!(Opaque::cast_from(obj), Self, obj) }
    }
}

impl<T: DumbObject> AllocImpl for Object<T> {
    type Driver = T::Driver;

    const ALLOC_OPS: AllocOps = AllocOps {
        gem_create_object: None,
        prime_handle_to_fd: None,
        prime_fd_to_handle: None,
        gem_prime_import: if T::HAS_IMPORT {
            Some(Self::import)
        } else {
            None
        },
        gem_prime_import_sg_table: None,
        dumb_create: Some(Self::dumb_create),
        dumb_map_offset: Some(Self::dumb_map_offset),
    };
}

impl<T: DumbObject> Object<T> {
    const FUNCS: bindings::drm_gem_object_funcs = bindings::drm_gem_object_funcs {
        free: Some(Self::free),
        export: if T::HAS_EXPORT {
            Some(Self::export)
        } else {
            None
        },
        mmap: Some(Self::mmap),
        vm_ops: &const {
            bindings::vm_operations_struct {
                open: Some(bindings::drm_gem_vm_open),
                close: Some(bindings::drm_gem_vm_close),
                ..pin_init::zeroed()
            }
        },
        ..pin_init::zeroed()
    };

    /// Makes an object of `size` bytes, which must be whole pages (`EINVAL`).
    ///
    /// `data` is told to make its memory; the errors are its own, or `ENOMEM`. May sleep.
    pub fn new<E>(
        dev: &drm::Device<T::Driver>,
        size: usize,
        data: impl PinInit<T, E>,
    ) -> Result<ARef<Self>>
    where
        Error: From<E>,
    {
        Self::with_buffer(dev, size, data, None)
    }

    /// Makes an object of the memory of `buf`, with whose reservation object it is.
    ///
    /// The object keeps `buf`. Fails as [`new`](Self::new). May sleep.
    pub fn new_imported<E>(
        dev: &drm::Device<T::Driver>,
        buf: ARef<DmaBuf>,
        data: impl PinInit<T, E>,
    ) -> Result<ARef<Self>>
    where
        Error: From<E>,
    {
        Self::with_buffer(dev, buf.size(), data, Some(buf))
    }

    fn with_buffer<E>(
        dev: &drm::Device<T::Driver>,
        size: usize,
        data: impl PinInit<T, E>,
        buf: Option<ARef<DmaBuf>>,
    ) -> Result<ARef<Self>>
    where
        Error: From<E>,
    {
        if size == 0 || size % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        let this = KBox::pin_init::<Error>(
            try_pin_init!(Self {
                obj: Opaque::zeroed(),
                data <- data,
                buf,
                dev: dev.into(),
            }? Error),
            GFP_KERNEL,
        )?;

        // SAFETY: The object is ours alone and all zeroes. The device is valid and the size one of
        // whole pages. The reservation object, if one is given, belongs to a buffer that `this`
        // keeps.
        unsafe {
            let obj = this.obj.get();
            (*obj).funcs = &Self::FUNCS;
            if let Some(buf) = &this.buf {
                (*obj).resv = buf.resv().as_raw();
            }
            bindings::drm_gem_private_object_init(dev.as_raw(), obj, size);
        }

        // SAFETY: Nothing moves out of it before `free`.
        let this = KBox::leak(unsafe { Pin::into_inner_unchecked(this) });
        // SAFETY: The object was initialised with one reference, which we take over.
        Ok(unsafe { ARef::from_raw(NonNull::from(this)) })
    }

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

    /// Fails with `ENODEV` when the device is gone.
    fn registered<R>(
        dev: &drm::Device<T::Driver, Ioctl>,
        f: impl FnOnce(&drm::Device<T::Driver, Registered>) -> Result<R>,
    ) -> Result<R> {
        let guard = dev.registration_guard().ok_or(ENODEV)?;

        f(&guard)
    }

    // For all of these: DRM calls them for a device of the driver and for objects that this type
    // has made, and as `struct drm_driver` and `struct drm_gem_object_funcs` document.

    /// # Safety
    ///
    /// Called by DRM for an open file of a device that has been registered.
    unsafe extern "C" fn dumb_create(
        file: *mut bindings::drm_file,
        dev: *mut bindings::drm_device,
        args: *mut bindings::drm_mode_create_dumb,
    ) -> c_int {
        // SAFETY: DRM's guarantee. DRM keeps the arguments of an ioctl in an array of bytes, which
        // is aligned for nothing in particular.
        let (dev, mut reply) = unsafe { (drm::Device::from_raw(dev), args.read_unaligned()) };

        to_errno(Self::registered(dev, |dev| {
            let request = DumbArgs::new(dev, &mut reply, T::PITCH_ALIGN)?;
            let obj = T::create(dev, &request)?;

            if obj.size() < request.size() || !obj.belongs_to(dev) {
                return Err(EINVAL);
            }
            // SAFETY: The file is one of the object's device.
            to_result(unsafe {
                bindings::drm_gem_handle_create(file, obj.as_raw(), &mut reply.handle)
            })?;
            // SAFETY: As above.
            unsafe { args.write_unaligned(reply) };
            Ok(())
        }))
    }

    /// # Safety
    ///
    /// Called by DRM for an open file of a device that has been registered.
    unsafe extern "C" fn dumb_map_offset(
        file: *mut bindings::drm_file,
        _dev: *mut bindings::drm_device,
        handle: u32,
        offset: *mut u64,
    ) -> c_int {
        // SAFETY: DRM's guarantee.
        let obj = NonNull::new(unsafe { bindings::drm_gem_object_lookup(file, handle) });
        let Some(obj) = obj else {
            return ENOENT.to_errno();
        };
        // SAFETY: All objects of the driver are of this type, and the lookup gave us a reference.
        let obj = unsafe { ARef::from_raw(NonNull::from(Self::from_raw(obj.as_ptr()))) };

        if obj.buf.is_some() {
            return EINVAL.to_errno();
        }
        to_errno(T::map_offset(&obj).map(|at| {
            // SAFETY: DRM's guarantee; see `dumb_create` for the alignment.
            unsafe { offset.write_unaligned(at) };
        }))
    }

    /// # Safety
    ///
    /// Called by DRM with an object and an area that is being set up. The area keeps the object,
    /// and is not longer.
    unsafe extern "C" fn mmap(
        obj: *mut bindings::drm_gem_object,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: DRM's guarantee. The offset of the area is that of the object in the device's
        // file. Nobody looks for areas of the object by their offset, so it may as well be that
        // in the object.
        let (this, vma) = unsafe {
            let start = bindings::drm_vma_node_offset_addr(&raw mut (*obj).vma_node) >> PAGE_SHIFT;
            (*vma).vm_pgoff -= start as usize;
            (Self::from_raw(obj), VmaNew::from_raw(vma))
        };

        vma.set_dontexpand();
        vma.set_dontdump();
        // SAFETY: DRM's guarantee.
        to_errno(T::mmap(this, unsafe { ObjectVma::new(vma, this) }))
    }

    /// # Safety
    ///
    /// Called by DRM with an object that has a handle.
    unsafe extern "C" fn export(
        obj: *mut bindings::drm_gem_object,
        flags: c_int,
    ) -> *mut bindings::dma_buf {
        // SAFETY: DRM's guarantee.
        match T::export(unsafe { Self::from_raw(obj) }, flags as u32) {
            Ok(buf) => ARef::into_raw(buf).as_ptr().cast(),
            Err(err) => err.to_ptr(),
        }
    }

    /// # Safety
    ///
    /// Called by DRM with a device that has been registered and a live buffer.
    unsafe extern "C" fn import(
        dev: *mut bindings::drm_device,
        buf: *mut bindings::dma_buf,
    ) -> *mut bindings::drm_gem_object {
        // SAFETY: DRM's guarantee.
        let (dev, buf) = unsafe { (drm::Device::from_raw(dev), DmaBuf::from_raw(buf)) };

        let result = Self::registered(dev, |dev| {
            let obj = T::import(dev, buf)?;

            if obj.belongs_to(dev) {
                Ok(obj)
            } else {
                Err(EINVAL)
            }
        });
        match result {
            // The reference is DRM's now.
            Ok(obj) => ManuallyDrop::new(obj).as_raw(),
            Err(err) => err.to_ptr(),
        }
    }

    /// # Safety
    ///
    /// Called by DRM when the last reference is gone.
    unsafe extern "C" fn free(obj: *mut bindings::drm_gem_object) {
        // SAFETY: DRM's guarantee. The object came from `KBox::leak` in `with_buffer`, and is used
        // no more.
        unsafe {
            bindings::drm_gem_object_release(obj);
            let this = crate::container_of!(Opaque::cast_from(obj), Self, obj).cast_mut();
            drop(KBox::from_raw(this));
        }
    }
}
