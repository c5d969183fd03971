// SPDX-License-Identifier: GPL-2.0

//! What DRM asks of objects that can be dumb buffers.

use super::{
    super::{
        prime::DeviceOf,
        BaseObject,
        Object, //
    },
    args::DumbArgs,
    object::{
        DumbObject,
        ObjectVma, //
    },
};
use crate::{
    bindings,
    dma_buf::trampoline::Ref,
    error::to_result,
    mm::virt::VmaNew,
    page::PAGE_SHIFT,
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};
use core::ptr::NonNull;

/// What DRM calls an open file of the device.
pub(in super::super) type File = Ref<Opaque<bindings::drm_file>, bindings::drm_file>;

/// DRM keeps the arguments of an ioctl in an array of bytes, which is aligned for nothing in
/// particular.
#[repr(C, packed)]
pub(in super::super) struct Packed<T>(T);

/// Areas keep their objects.
pub(in super::super) const VM_OPS: &bindings::vm_operations_struct = &const {
    bindings::vm_operations_struct {
        open: Some(bindings::drm_gem_vm_open),
        close: Some(bindings::drm_gem_vm_close),
        ..pin_init::zeroed()
    }
};

/// `dumb_create` of `struct drm_driver`.
#[inline(always)]
pub(in super::super) fn create<T: DumbObject>(
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

/// `dumb_map_offset` of `struct drm_driver`.
#[inline(always)]
pub(in super::super) fn map_offset<T: DumbObject>(
    file: &Opaque<bindings::drm_file>,
    _dev: &DeviceOf<T>,
    handle: u32,
    offset: &mut Packed<u64>,
) -> Result {
    // SAFETY: The file is open. All objects of the driver are of this type, and the lookup gives us
    // a reference.
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

/// `mmap` of `struct drm_gem_object_funcs`. The area keeps the object, and is not longer.
#[inline(always)]
pub(in super::super) fn mmap<T: DumbObject>(obj: &Object<T>, vma: &VmaNew) -> Result {
    // SAFETY: The area is being set up. Its offset is that of the object in the device's file.
    // Nobody looks for areas of the object by their offset, so it may as well be that in the
    // object. The area keeps the object.
    let area = unsafe {
        let node = &raw mut (*obj.as_raw()).vma_node;
        let start = (bindings::drm_vma_node_offset_addr(node) >> PAGE_SHIFT) as usize;
        let offset = &raw mut (*vma.as_ptr()).vm_pgoff;

        // Less, if it has got its place since DRM's own exporter asked for that.
        *offset = (*offset).checked_sub(start).ok_or(EINVAL)?;
        ObjectVma::new(vma, obj)
    };

    vma.set_dontexpand();
    vma.set_dontdump();
    T::mmap(obj, area)
}
