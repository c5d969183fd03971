// SPDX-License-Identifier: GPL-2.0

//! What an exporter asks of an importer, and tells it, with the reservation object held.

use super::buffer::{
    AttachedDevice,
    Exporter, //
};
use crate::bindings;

impl<T: Exporter> AttachedDevice<'_, T> {
    /// Whether the importer copes with memory that has no pages, and the exporter has not
    /// [said](super::Attaching::refuse_peer2peer) that its device cannot reach such memory.
    #[inline]
    pub fn peer2peer(&self) -> bool {
        self.view().peer2peer
    }

    /// As [`Attaching::is_revocable`](super::Attaching::is_revocable).
    #[inline]
    pub fn is_revocable(&self) -> bool {
        // SAFETY: By the type invariant the attachment is there.
        unsafe { bindings::dma_buf_attach_revocable(self.as_raw().as_ptr()) }
    }

    /// Tells importers that can follow it that the memory is about to move, or that it has to move
    /// to where this device can reach it: as
    /// [`LockedBuffer::invalidate_mappings`](super::LockedBuffer::invalidate_mappings), with the
    /// reservation object that is held here.
    ///
    /// Importers may unmap in the middle of this, this one too, for which the exporter is called.
    /// So this is not for [`Exporter::unmap`] and [`Exporter::unpin`], which may be a part of a
    /// move: each would begin another one. Nothing of [`data`](Self::data) can be borrowed
    /// meanwhile. One that follows is told also of the move that its own mapping makes necessary.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{device::Device, dma::DataDirection, prelude::*};
    /// use kernel::dma_buf::{AttachedDevice, Buffer, Exporter, MappedTable};
    /// use kernel::sync::atomic::{Atomic, Relaxed};
    ///
    /// struct Vram {
    ///     in_system: Atomic<bool>,
    /// }
    ///
    /// #[vtable]
    /// impl Exporter for Vram {
    ///     fn map(
    ///         attachment: &mut AttachedDevice<'_, Self>,
    ///         _: DataDirection,
    ///     ) -> Result<MappedTable> {
    ///         let vram = attachment.buffer().data();
    ///
    ///         if !attachment.peer2peer() && !vram.in_system.load(Relaxed) {
    ///             attachment.invalidate_mappings();
    ///             // ... wait for the fences, copy, and then:
    ///             vram.in_system.store(true, Relaxed);
    ///         }
    ///         Err(EBUSY) // ... or a table of where it is now.
    ///     }
    ///     // ... and the others.
    /// #    type Attachment = ();
    /// #    fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result { Ok(()) }
    /// #    fn unmap(_at: &mut AttachedDevice<'_, Self>, _map: MappedTable, _: DataDirection) {}
    /// }
    /// ```
    #[inline]
    pub fn invalidate_mappings(&mut self) {
        // SAFETY: By the type invariant the buffer is there, and its reservation object is held.
        // Whoever gets at this attachment meanwhile has it for itself, as `self` is borrowed.
        unsafe { bindings::dma_buf_invalidate_mappings(self.buffer().as_raw()) };
    }
}
