// SPDX-License-Identifier: GPL-2.0

//! Memory of ours for others.

use super::memory::{
    Memory,
    Own, //
};
use kernel::{
    device::Device,
    dma::{
        Coherent,
        CoherentOwner,
        DataDirection, //
    },
    dma_buf::{
        AttachedDevice,
        Buffer,
        BufferVma,
        DmaBuf,
        ExportInfo,
        Exporter,
        HasResv,
        MappedTable,
        Resv,
        ResvGuard,
        VmapAddress, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

/// A dma-buf of ours. It keeps the object, and that the memory.
pub(crate) struct Shared<T> {
    memory: Arc<Memory>,
    object: T,
}

impl<T: Send + Sync + 'static> Shared<T> {
    pub(crate) fn export(memory: &Arc<Memory>, object: T, flags: u32) -> Result<ARef<DmaBuf>> {
        let info = ExportInfo {
            name: c"rust_gpu_sketch",
            size: memory.own()?.place().len(),
            flags,
        };
        let data = Self {
            memory: memory.clone(),
            object,
        };

        Ok(Buffer::export(info, KBox::new(data, GFP_KERNEL)?)?.into())
    }

    /// The object, if it is one of ours.
    pub(crate) fn object(buf: &DmaBuf) -> Option<&T> {
        Some(&Buffer::<Self>::from_dma_buf(buf)?.data().object)
    }

    pub(crate) fn tell_importers(buf: &DmaBuf, guard: &mut ResvGuard<'_>) -> Result {
        let buf = Buffer::<Self>::from_dma_buf(buf).ok_or(EINVAL)?;

        buf.with_guard(guard)?.invalidate_mappings();
        Ok(())
    }

    /// Moves it to where any device can reach it. The others are told.
    fn move_to_system(attachment: &mut AttachedDevice<'_, Self>) -> Result {
        let own = attachment.buffer().data().memory.own()?;

        if !own.is_in_vram() {
            return Ok(());
        }
        if own.is_pinned() {
            return Err(EBUSY);
        }
        attachment.invalidate_mappings();
        own.move_out()
    }
}

impl<T> CoherentOwner for Shared<T> {
    fn coherent(&self) -> Result<&Coherent<[u8]>> {
        Ok(self.memory.own()?.place())
    }
}

/// A device that is attached. As long as there is one the memory knows its buffer.
pub(crate) struct Attached(Arc<Memory>);

impl Drop for Attached {
    fn drop(&mut self) {
        if let Ok(own) = self.0.own() {
            own.detach();
        }
    }
}

#[vtable]
impl<T: Send + Sync + 'static> Exporter for Shared<T> {
    type Attachment = KBox<Attached>;

    fn attach(buf: &Buffer<Self>, _dev: &Device) -> Result<KBox<Attached>> {
        let (attached, memory) = (KBox::new_uninit(GFP_KERNEL)?, &buf.data().memory);

        memory.own()?.attach(buf)?;
        Ok(KBox::write(attached, Attached(memory.clone())))
    }

    // It stays there until it is moved, of which the importer is told, or is pinned.
    fn map(attachment: &mut AttachedDevice<'_, Self>, dir: DataDirection) -> Result<MappedTable> {
        if !attachment.peer2peer() {
            Self::move_to_system(attachment)?;
        }
        attachment.map_coherent(dir)
    }

    fn unmap(attachment: &mut AttachedDevice<'_, Self>, mapping: MappedTable, _dir: DataDirection) {
        attachment.unmap_coherent(mapping);
    }

    fn pin(attachment: &mut AttachedDevice<'_, Self>) -> Result {
        Self::move_to_system(attachment)?;
        attachment.buffer().data().memory.own().map(Own::pin)
    }

    fn unpin(attachment: &mut AttachedDevice<'_, Self>) {
        let _ = attachment.buffer().data().memory.own().map(Own::unpin);
    }

    fn mmap(buf: &Buffer<Self>, vma: BufferVma<'_>) -> Result {
        if buf.data().memory.own()?.is_movable() {
            return Err(EINVAL);
        }
        buf.mmap_coherent(vma)
    }

    // The CPU reaches VRAM, too. It stays where it is meanwhile.
    fn vmap(buf: &Buffer<Self>) -> Result<VmapAddress> {
        let address = buf.vmap_coherent()?;

        buf.data().memory.own()?.pin();
        Ok(address)
    }

    fn vunmap(buf: &Buffer<Self>, _addr: VmapAddress) {
        let _ = buf.data().memory.own().map(Own::unpin);
    }

    // That of the memory, which jobs lock.
    fn resv(&self) -> Option<&Resv> {
        Some(self.memory.resv())
    }
}
