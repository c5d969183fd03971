// SPDX-License-Identifier: GPL-2.0

//! Sharing objects of shmem with other devices.

use super::{
    gem::{
        prime::{
            Imported,
            PrimeClass, //
        },
        DriverObject,
        IntoGEMObject, //
    },
    Object,
    ObjectConfig, //
};
use crate::{
    bindings,
    dma_buf::DmaBuf,
    drm::Device,
    fs::area::MmapVma,
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef, //
};
use core::{
    mem::offset_of,
    ptr, //
};

impl<T: DriverObject> Object<T> {
    /// Makes an object of the memory of `buf`, with whose reservation object it is.
    ///
    /// As [`gem::Object::new_imported`](crate::drm::gem::Object::new_imported). It has no pages of
    /// its own that were used: [`sg_table`](Self::sg_table) fails with `EINVAL`, and
    /// [`vmap`](Self::vmap) is that of the buffer.
    pub fn new_imported(
        dev: &Device<T::Driver>,
        buf: ARef<DmaBuf>,
        args: T::Args,
    ) -> Result<ARef<Self>> {
        let (size, imported) = (buf.size(), Imported::new(buf)?);

        Self::with(dev, size, ObjectConfig::default(), args, Some(imported))
    }
}

/// `mmap` of `struct drm_gem_object_funcs`. What is imported is mapped by its exporter, also before
/// DRM knows it by its buffer.
///
/// # Safety
///
/// `obj` must be of `T`, and `vma` an area that is being set up and has a reference to it.
pub(super) unsafe extern "C" fn mmap<T: DriverObject>(
    obj: *mut bindings::drm_gem_object,
    vma: *mut bindings::vm_area_struct,
) -> c_int {
    // SAFETY: The area has a reference to it, and it is of `T`, by the caller's guarantee.
    let this = unsafe { Object::<T>::from_raw(obj) };
    let Some(buf) = this.imported_from() else {
        // SAFETY: As above, and all of it is the helper's to set up.
        return unsafe { bindings::drm_gem_shmem_object_mmap(obj, vma) };
    };

    // SAFETY: By the caller's guarantee; it is not used any more afterwards.
    let vma = unsafe { MmapVma::new(VmaNew::from_raw(vma)) };
    vma.set_dontexpand();
    match buf.mmap(vma, 0) {
        Ok(()) => {
            // SAFETY: The area is one of the buffer's now, and has no use for its reference.
            unsafe { bindings::drm_gem_object_put(obj) };
            0
        }
        Err(err) => err.to_errno(),
    }
}

impl<T: DriverObject> PrimeClass for Object<T> {
    const OFFSET: usize = offset_of!(Self, obj) + offset_of!(bindings::drm_gem_shmem_object, base);

    #[inline]
    fn imported_from(&self) -> Option<&DmaBuf> {
        self.imported.as_ref().map(Imported::buffer)
    }

    #[inline]
    fn belongs_to(&self, dev: &Device<T::Driver>) -> bool {
        ptr::eq::<Device<T::Driver>>(&*self.owner, dev)
    }
}
