// SPDX-License-Identifier: GPL-2.0

//! Parts of an exporter whose memory is reached by addresses on a bus.

use super::{
    buffer::{
        AttachedDevice,
        Exporter, //
    },
    bus::BusRanges,
    bus_use::BusUse,
    handed_out::MappedTable,
    table::Table, //
};
use crate::{
    bindings,
    dma::DataDirection,
    error::from_err_ptr,
    prelude::*, //
};
use core::ptr::NonNull;

impl<T: Exporter> AttachedDevice<'_, T> {
    /// [`Exporter::map`]: maps `ranges` for the attached device.
    ///
    /// Fails with `ENODEV` if the device that they belong to has been unbound; with `EOPNOTSUPP` if
    /// the importer does not cope with memory that has no pages, or would not let go of it; with
    /// `EINVAL` if the attached device cannot get there, `ranges` is not as long as the buffer, or
    /// `dir` is [`DataDirection::None`]; with `ENOMEM`; as the device's DMA operations. May sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{device::{Core, Device}, dma::DataDirection, fs::file::flags, pci, prelude::*};
    /// use kernel::dma_buf::{Attaching, AttachedDevice, Buffer, DmaBuf, ExportInfo, Exporter};
    /// use kernel::dma_buf::{BusMemory, BusRanges, MappedTable};
    /// use kernel::{io::ResourceSize, page::PAGE_SIZE, sync::aref::ARef};
    ///
    /// /// A buffer in video memory, which the device shows in a BAR.
    /// struct Vram(BusRanges);
    ///
    /// #[vtable]
    /// impl Exporter for Vram {
    ///     type Attachment = ();
    ///
    ///     fn accept(_buf: &Buffer<Self>, importer: &mut Attaching<'_>) -> Result {
    ///         if !importer.peer2peer() || !importer.is_revocable() {
    ///             return Err(EOPNOTSUPP);
    ///         }
    ///         Ok(())
    ///     }
    ///
    ///     fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result {
    ///         Ok(())
    ///     }
    ///
    ///     fn map(
    ///         attachment: &mut AttachedDevice<'_, Self>,
    ///         dir: DataDirection,
    ///     ) -> Result<MappedTable> {
    ///         attachment.map_bus(&attachment.buffer().data().0, dir)
    ///     }
    ///
    ///     fn unmap(
    ///         attachment: &mut AttachedDevice<'_, Self>,
    ///         map: MappedTable,
    ///         _: DataDirection,
    ///     ) {
    ///         attachment.unmap_bus(map);
    ///     }
    /// }
    ///
    /// /// Called when the driver is bound.
    /// fn probe(dev: &pci::Device<Core<'_>>) -> Result<ARef<DmaBuf>> {
    ///     let mut ranges = BusRanges::new(BusMemory::of_bar(dev, 2)?);
    ///     ranges.push(0..4 * PAGE_SIZE as ResourceSize)?;
    ///
    ///     let info = ExportInfo { name: c"vram", size: ranges.size(), flags: flags::O_RDWR };
    ///     Ok(Buffer::export(info, KBox::new(Vram(ranges), GFP_KERNEL)?)?.into())
    /// }
    /// ```
    #[inline]
    pub fn map_bus(&self, ranges: &BusRanges, dir: DataDirection) -> Result<MappedTable> {
        if !self.peer2peer() || !self.is_revocable() {
            return Err(EOPNOTSUPP);
        }
        if dir == DataDirection::None || ranges.size() == 0 || ranges.size() != self.buffer().size()
        {
            return Err(EINVAL);
        }
        let (using, provider, vec) = ranges.begin(self.buffer())?;
        let (attachment, first) = (self.as_raw().as_ptr(), vec.as_ptr().cast_mut());

        // SAFETY: The attachment is there, and the reservation object of its buffer is held. The
        // provider and the addresses stay as long as `using`. Nobody writes to the ranges. What is
        // no error is a table, made for the attached device.
        unsafe {
            let table = from_err_ptr(bindings::dma_buf_phys_vec_to_sgt(
                attachment,
                provider,
                first,
                vec.len(),
                ranges.size(),
                dir.into(),
            ))?;
            let addresses = BusUse::new(self, NonNull::new_unchecked(table), dir, using);

            Ok(Table::of_bus(addresses)?.into_mapping(self))
        }
    }

    /// [`Exporter::unmap`]: undoes [`map_bus`](Self::map_bus).
    #[inline]
    pub fn unmap_bus(&self, mapping: MappedTable) {
        Table::take_down(self, mapping);
    }
}
