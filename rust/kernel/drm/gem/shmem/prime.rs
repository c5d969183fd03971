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
    dma_buf::{
        trampoline::{
            two,
            Ref, //
        },
        DmaBuf, //
    },
    drm::Device,
    error::to_result,
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

/// `mmap` of `struct drm_gem_object_funcs`. The area keeps the object.
///
/// What is imported is mapped by its exporter, also before DRM knows it by its buffer.
#[inline(always)]
fn mmap<T: DriverObject>(obj: &Object<T>, vma: &VmaNew) -> Result {
    let Some(buf) = obj.imported_from() else {
        // SAFETY: The area is being set up, and all of it is the helper's to do.
        return to_result(unsafe {
            bindings::drm_gem_shmem_object_mmap(obj.as_raw(), vma.as_ptr())
        });
    };

    vma.set_dontexpand();
    // SAFETY: The area is being set up, and not used any more afterwards.
    buf.mmap(unsafe { MmapVma::new(vma) }, 0)?;
    // SAFETY: The area is one of the buffer's now, and has no use for its reference. It is not the
    // last: who maps has one.
    unsafe { bindings::drm_gem_object_put(obj.as_raw()) };
    Ok(())
}

impl<T: DriverObject> Object<T> {
    /// [`mmap`] for DRM, which calls it for an object of `T`.
    pub(super) const MMAP: unsafe extern "C" fn(
        *mut bindings::drm_gem_object,
        *mut bindings::vm_area_struct,
    ) -> c_int = {
        assert!(<Self as PrimeClass>::OFFSET == 0);
        two::<Ref<Self, _>, Ref<_, _>, _, _>(mmap::<T>)
    };
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
