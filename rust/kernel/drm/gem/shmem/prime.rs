// SPDX-License-Identifier: GPL-2.0

//! Sharing objects of shmem with other devices.

use super::{
    gem::{
        prime::{
            Imported,
            PrimeClass, //
        },
        DriverObject, //
    },
    Object,
    ObjectConfig, //
};
use crate::{
    bindings,
    dma_buf::DmaBuf,
    drm::Device,
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
