// SPDX-License-Identifier: GPL-2.0

//! Making objects, and what DRM asks of them.

use super::{
    args::DumbArgs,
    object::{
        DumbObject,
        Object,
        ObjectVma, //
    },
};
use crate::{
    bindings,
    dma_buf::{
        trampoline::{
            four,
            one,
            three,
            two,
            Arg,
            Mut,
            Ref,
            Value, //
        },
        DmaBuf, //
    },
    drm::{
        self,
        driver::{
            AllocImpl,
            AllocOps, //
        },
        gem::{
            BaseObject,
            IntoGEMObject, //
        },
        Registered, //
    },
    error::to_result,
    interop,
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
    marker::PhantomData,
    mem::offset_of,
    ptr::NonNull, //
};

impl<T: DumbObject> Object<T> {
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
                obj: interop::object::Object::zeroed(),
                data <- data,
                buf,
                dev: dev.into(),
            }? Error),
            GFP_KERNEL,
        )?;

        // SAFETY: The object is ours alone and all zeroes. The device is valid and the size one of
        // whole pages. The reservation object, if one is given, belongs to a buffer that `this`
        // keeps. The object is then initialised, with one reference, which we take over; nothing
        // moves out of it before it is freed.
        Ok(unsafe {
            let obj = this.obj.get();
            (*obj).funcs = &Operations::<T>::FUNCS;
            if let Some(buf) = &this.buf {
                (*obj).resv = buf.resv().as_raw();
            }
            bindings::drm_gem_private_object_init(dev.as_raw(), obj, size);

            let this = KBox::leak(Pin::into_inner_unchecked(this));
            ARef::from_raw(NonNull::from(this))
        })
    }
}

impl<T: DumbObject> AllocImpl for Object<T> {
    type Driver = T::Driver;

    const ALLOC_OPS: AllocOps = AllocOps {
        gem_create_object: None,
        prime_handle_to_fd: None,
        prime_fd_to_handle: None,
        gem_prime_import: if T::HAS_IMPORT {
            Some(two::<Dev<T>, Ref<DmaBuf, _>, _, _>(Operations::<T>::import))
        } else {
            None
        },
        gem_prime_import_sg_table: None,
        dumb_create: Some(three::<File, Dev<T>, Mut<Packed<_>, _>, _, _>(
            Operations::<T>::dumb_create,
        )),
        dumb_map_offset: Some(four::<File, Dev<T>, Value<_>, Mut<Packed<_>, _>, _, _>(
            Operations::<T>::dumb_map_offset,
        )),
    };
}

// What DRM passes to these, as `struct drm_driver` and `struct drm_gem_object_funcs` document: an
// object that this type has made, in its first field;
type Obj<T> = Ref<Object<T>, bindings::drm_gem_object>;
// a device of the driver that has been registered;
type Dev<T> = Ref<DeviceOf<T>, bindings::drm_device>;
// and an open file of it.
type File = Ref<Opaque<bindings::drm_file>, bindings::drm_file>;

/// DRM keeps the arguments of an ioctl in an array of bytes, which is aligned for nothing in
/// particular.
#[repr(C, packed)]
struct Packed<T>(T);

/// A device of the driver of `T`.
///
/// # Invariants
///
/// It has been registered.
#[repr(transparent)]
struct DeviceOf<T>(Opaque<bindings::drm_device>, PhantomData<T>);

impl<T: DumbObject> DeviceOf<T> {
    /// Fails with `ENODEV` when the device is gone.
    fn registered<R>(
        &self,
        f: impl FnOnce(&drm::Device<T::Driver, Registered>) -> Result<R>,
    ) -> Result<R> {
        // SAFETY: By the type invariant.
        let dev = unsafe { drm::Device::<T::Driver, drm::Ioctl>::from_raw(self.0.get()) };
        let guard = dev.registration_guard().ok_or(ENODEV)?;

        f(&guard)
    }
}

/// An object that is to be freed.
///
/// # Invariants
///
/// The last reference is gone. It was made by [`Object::with_buffer`], and nobody else frees it.
#[repr(transparent)]
struct Unused<T: DumbObject>(NonNull<Object<T>>);

// SAFETY: A pointer to the first field is a pointer to the object.
unsafe impl<T: DumbObject> Arg for Unused<T> {
    type Raw = *mut bindings::drm_gem_object;
    type Typed<'a> = Unused<T>;
}

/// The C operations of the objects of `T`.
struct Operations<T>(PhantomData<T>);

impl<T: DumbObject> Operations<T> {
    const FUNCS: bindings::drm_gem_object_funcs = {
        assert!(offset_of!(Object<T>, obj) == 0);

        bindings::drm_gem_object_funcs {
            free: Some(one::<Unused<T>, _, _>(Self::free)),
            export: if T::HAS_EXPORT {
                Some(two::<Obj<T>, Value<_>, _, _>(Self::export))
            } else {
                None
            },
            mmap: Some(two::<Obj<T>, Ref<VmaNew, _>, _, _>(Self::mmap)),
            vm_ops: &const {
                bindings::vm_operations_struct {
                    open: Some(bindings::drm_gem_vm_open),
                    close: Some(bindings::drm_gem_vm_close),
                    ..pin_init::zeroed()
                }
            },
            ..pin_init::zeroed()
        }
    };

    #[inline(always)]
    fn dumb_create(
        file: &Opaque<bindings::drm_file>,
        dev: &DeviceOf<T>,
        args: &mut Packed<bindings::drm_mode_create_dumb>,
    ) -> Result {
        let mut reply = args.0;

        dev.registered(|dev| {
            let request = DumbArgs::new(dev, &mut reply, T::PITCH_ALIGN)?;
            let obj = T::create(dev, &request)?;

            if obj.size() < request.size() || !obj.belongs_to(dev) {
                return Err(EINVAL);
            }
            // SAFETY: The file is one of the object's device.
            to_result(unsafe {
                bindings::drm_gem_handle_create(file.get(), obj.as_raw(), &mut reply.handle)
            })?;
            args.0 = reply;
            Ok(())
        })
    }

    #[inline(always)]
    fn dumb_map_offset(
        file: &Opaque<bindings::drm_file>,
        _dev: &DeviceOf<T>,
        handle: u32,
        offset: &mut Packed<u64>,
    ) -> Result {
        // SAFETY: The file is open. All objects of the driver are of this type, and the lookup
        // gives us a reference.
        let obj = unsafe {
            let obj = bindings::drm_gem_object_lookup(file.get(), handle);

            ARef::from_raw(NonNull::new(obj).ok_or(ENOENT)?.cast::<Object<T>>())
        };

        if obj.imported_from().is_some() {
            return Err(EINVAL);
        }
        offset.0 = T::map_offset(&obj)?;
        Ok(())
    }

    /// The area keeps the object, and is not longer.
    #[inline(always)]
    fn mmap(obj: &Object<T>, vma: &VmaNew) -> Result {
        // SAFETY: The area is being set up. Its offset is that of the object in the device's file.
        // Nobody looks for areas of the object by their offset, so it may as well be that in the
        // object. The area keeps the object.
        let area = unsafe {
            let node = &raw mut (*obj.as_raw()).vma_node;
            let start = bindings::drm_vma_node_offset_addr(node) >> PAGE_SHIFT;

            (*vma.as_ptr()).vm_pgoff -= start as usize;
            ObjectVma::new(vma, obj)
        };

        vma.set_dontexpand();
        vma.set_dontdump();
        T::mmap(obj, area)
    }

    /// The object has a handle.
    #[inline(always)]
    fn export(obj: &Object<T>, flags: c_int) -> Result<NonNull<bindings::dma_buf>> {
        T::export(obj, flags as u32).map(|buf| ARef::into_raw(buf).cast())
    }

    #[inline(always)]
    fn import(dev: &DeviceOf<T>, buf: &DmaBuf) -> Result<NonNull<bindings::drm_gem_object>> {
        dev.registered(|dev| {
            let obj = T::import(dev, buf)?;

            if obj.belongs_to(dev) {
                // The reference is DRM's now.
                Ok(ARef::into_raw(obj).cast())
            } else {
                Err(EINVAL)
            }
        })
    }

    #[inline(always)]
    fn free(obj: Unused<T>) {
        // SAFETY: By the type invariant. It came from `KBox::leak`.
        unsafe {
            bindings::drm_gem_object_release(obj.0.as_ptr().cast());
            drop(KBox::from_raw(obj.0.as_ptr()));
        }
    }
}
