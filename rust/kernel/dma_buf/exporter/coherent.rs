// SPDX-License-Identifier: GPL-2.0

//! Parts of an exporter whose memory is coherent.
//!
//! Coherent memory is allocated for one device ([`Coherent`]) and mapped for the kernel all the
//! time. An [`Exporter`] that says where it is ([`CoherentOwner`]) gets its operations here, one by
//! one: [`Attachment::map_coherent`] and [`Attachment::unmap_coherent`],
//! [`Buffer::mmap_coherent`], [`Buffer::vmap_coherent`].

use super::{
    buffer::{
        Attachment,
        Buffer,
        Exporter, //
    },
    handed_out::{
        BufferVma,
        Mapping,
        Shown,
        VmapAddress, //
    },
};
use crate::{
    bindings,
    device::Device,
    dma::{
        Coherent,
        CoherentOwner,
        DataDirection, //
    },
    error::to_result,
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};
use core::ptr::NonNull;

/// The table of one mapping.
///
/// # Invariants
///
/// `sgt` is an initialised `sg_table`; it is mapped for `dev` in the direction `mapped`, if there
/// is one.
#[repr(C)]
struct Table {
    // First: a `Mapping` points here.
    sgt: Opaque<bindings::sg_table>,
    dev: ARef<Device>,
    mapped: Option<DataDirection>,
}

impl Table {
    // The memory is neither cached for the CPU nor ever bounced, so that there is nothing to be
    // synchronised; and it must not be done through the address of the pages' cached mapping.
    const ATTRS: c_ulong = bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong;

    /// An empty one.
    #[inline]
    fn new(dev: &Device) -> Result<KBox<Self>> {
        // INVARIANT: A zeroed table is an empty one.
        Ok(KBox::new(
            Self {
                sgt: Opaque::zeroed(),
                dev: dev.into(),
                mapped: None,
            },
            GFP_KERNEL,
        )?)
    }
}

impl Drop for Table {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant; nobody else knows the table when it is dropped.
        unsafe {
            if let Some(dir) = self.mapped {
                bindings::dma_unmap_sgtable(
                    self.dev.as_raw(),
                    self.sgt.get(),
                    dir.into(),
                    Self::ATTRS,
                );
            }
            bindings::sg_free_table(self.sgt.get());
        }
    }
}

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

impl<T: Exporter + CoherentOwner> Attachment<'_, T> {
    /// [`Exporter::map`]: maps the memory for the attached device.
    ///
    /// Fails as [`CoherentOwner::coherent`]; with `EINVAL` if the memory is not as long as the
    /// buffer or `dir` is [`DataDirection::None`]; with `ENOMEM`; as the device's DMA operations.
    /// May sleep.
    #[inline]
    pub fn map_coherent(&self, dir: DataDirection) -> Result<Mapping> {
        let memory = self.buffer().coherent()?;

        if dir == DataDirection::None {
            return Err(EINVAL);
        }
        let mut table = Table::new(self.device())?;
        let (dev, sgt) = (self.device().as_raw(), table.sgt.get());

        // SAFETY: The importer unmaps before it detaches, and detaches before it lets the buffer
        // go, which keeps the memory, see `mmap_coherent`. The table is empty, then filled and not
        // mapped; the device is attached, and `dir` is none that `dma_map_sgtable()` does not know.
        to_result(unsafe {
            memory.fill_table(sgt)?;
            bindings::dma_map_sgtable(dev, sgt, dir.into(), Table::ATTRS)
        })?;
        // INVARIANT: Mapped just above.
        table.mapped = Some(dir);

        let table = NonNull::from(KBox::leak(table)).cast();
        // SAFETY: Mapped for the attached device just above. The only one to know the table from
        // now on is who has the mapping. For another attachment it will not be taken.
        Ok(unsafe { Mapping::from_raw(table) }.only_for(self.as_raw()))
    }

    /// [`Exporter::unmap`]: undoes [`map_coherent`](Self::map_coherent).
    #[inline]
    pub fn unmap_coherent(&self, mapping: Mapping) {
        // SAFETY: Who makes a mapping otherwise promised not to give it to us, so that this is the
        // `Table` that `map_coherent` leaked. `mapping` is the only one of it and ends here.
        drop(unsafe { KBox::<Table>::from_raw(mapping.as_raw().cast().as_ptr()) });
    }
}
