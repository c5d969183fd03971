// SPDX-License-Identifier: GPL-2.0

//! Parts of an exporter whose memory is coherent.
//!
//! Coherent memory is allocated for one device ([`Coherent`]) and mapped for the kernel all the
//! time. An [`Exporter`] that says where it is ([`CoherentOwner`]) gets its operations here, one by
//! one: [`AttachedDevice::map_coherent`] and [`AttachedDevice::unmap_coherent`],
//! [`Buffer::mmap_coherent`], [`Buffer::vmap_coherent`].

use super::{
    buffer::{
        AttachedDevice,
        Buffer,
        Exporter, //
    },
    handed_out::{
        BufferVma,
        MappedTable,
        Shown,
        VmapAddress, //
    },
    table::Table, //
};
use crate::{
    bindings,
    dma::{
        Coherent,
        CoherentOwner,
        DataDirection, //
    },
    error::to_result,
    prelude::*, //
};
use core::ptr::NonNull;

impl<T: Exporter + CoherentOwner> Buffer<T> {
    /// The memory, if it is as long as the buffer, which is what everybody relies on.
    #[inline]
    fn coherent(&self) -> Result<&Coherent<[u8]>> {
        let memory = self.data().coherent()?;

        if memory.size() == self.size() {
            Ok(memory)
        } else {
            Err(EINVAL)
        }
    }

    /// [`Exporter::mmap`]: maps all that `vma` asks for at once. Nothing can be done with `vma`
    /// afterwards.
    ///
    /// Fails as [`CoherentOwner::coherent`] and [`Coherent::mmap`], and with `EINVAL` if the memory
    /// is not as long as the buffer or `vma` is of another file.
    #[inline]
    pub fn mmap_coherent(&self, vma: BufferVma<'_>) -> Result {
        let memory = self.coherent()?;

        if Shown::by(&vma).file != self.file().as_ptr() {
            return Err(EINVAL);
        }
        // SAFETY: Each area keeps its file, the file its buffer, and the buffer its data, which is
        // never borrowed mutably before it is dropped. So the borrow of the memory could as well
        // last until then. `vma` ends here, and so does everything that was borrowed from it.
        unsafe { memory.mmap(&vma) }
    }

    /// [`Exporter::vmap`]: where the memory is mapped anyway. [`Exporter::vunmap`] has nothing to
    /// do.
    ///
    /// Fails as [`CoherentOwner::coherent`], and with `EINVAL` if the memory is not as long as the
    /// buffer.
    #[inline]
    pub fn vmap_coherent(&self) -> Result<VmapAddress> {
        let addr = NonNull::new(self.coherent()?.as_mut_ptr()).ok_or(EINVAL)?;

        // SAFETY: The memory is as long as the buffer, and stays until the buffer's data is
        // dropped, see `mmap_coherent`. For another buffer it will not be taken.
        Ok(unsafe { VmapAddress::new(addr.cast()) }.only_for(self))
    }
}

impl<T: Exporter + CoherentOwner> AttachedDevice<'_, T> {
    /// [`Exporter::map`]: maps the memory for the attached device.
    ///
    /// Fails as [`CoherentOwner::coherent`]; with `EINVAL` if the memory is not as long as the
    /// buffer or `dir` is [`DataDirection::None`]; with `ENOMEM`; as the device's DMA operations.
    /// May sleep.
    #[inline]
    pub fn map_coherent(&self, dir: DataDirection) -> Result<MappedTable> {
        let memory = self.buffer().coherent()?;

        if dir == DataDirection::None {
            return Err(EINVAL);
        }
        let mut table = Table::empty(self.device())?;
        let (dev, sgt) = (self.device().as_raw(), table.get());

        // SAFETY: The importer unmaps before it detaches, and detaches before it lets the buffer
        // go, which keeps the memory, see `mmap_coherent`. The table is empty, then filled and not
        // mapped; the device is attached, and `dir` is none that `dma_map_sgtable()` does not know.
        to_result(unsafe {
            memory.fill_table(sgt)?;
            bindings::dma_map_sgtable(dev, sgt, dir.into(), Table::ATTRS)
        })?;
        // SAFETY: Mapped for the attached device just above.
        Ok(unsafe {
            table.set_mapped(dir);
            table.into_mapping(self)
        })
    }

    /// [`Exporter::unmap`]: undoes [`map_coherent`](Self::map_coherent).
    #[inline]
    pub fn unmap_coherent(&self, mapping: MappedTable) {
        Table::take_down(self, mapping);
    }
}
