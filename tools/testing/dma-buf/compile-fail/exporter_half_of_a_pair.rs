// SPDX-License-Identifier: GPL-2.0

//! An exporter that maps its memory for the kernel also unmaps it.

use kernel::{
    device::Device,
    dma::DataDirection,
    dma_buf::{
        AttachedDevice,
        Buffer,
        ExportInfo,
        Exporter,
        MappedTable,
        VmapAddress, //
    },
    prelude::*,
    sync::aref::ARef,
};

pub struct Memory;

#[vtable]
impl Exporter for Memory {
    type Attachment = KBox<()>;

    fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result<KBox<()>> {
        Err(EBUSY)
    }

    fn map(_attachment: &mut AttachedDevice<'_, Self>, _dir: DataDirection) -> Result<MappedTable> {
        Err(EIO)
    }

    fn unmap(
        _attachment: &mut AttachedDevice<'_, Self>,
        _mapping: MappedTable,
        _dir: DataDirection,
    ) {
    }

    #[cfg(misuse)]
    fn vmap(_buf: &Buffer<Self>) -> Result<VmapAddress> {
        Err(ENOMEM)
    }
}

//~? ERROR an exporter has both vmap and vunmap or neither
pub fn export(info: ExportInfo, memory: KBox<Memory>) -> Result<ARef<Buffer<Memory>>> {
    Buffer::export(info, memory)
}
