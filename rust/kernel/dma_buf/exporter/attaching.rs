// SPDX-License-Identifier: GPL-2.0

//! What an importer can cope with, as an exporter sees it.

use crate::bindings;

/// An importer whose device is being attached. See [`Exporter::accept`].
///
/// [`Exporter::accept`]: super::Exporter::accept
///
/// # Invariants
///
/// A device is being attached to a buffer, and nobody else looks at the attachment meanwhile.
pub struct Attaching<'a>(&'a mut bindings::dma_buf_attachment);

impl<'a> Attaching<'a> {
    /// `attachment` must be one that the core passes to be attached.
    #[inline]
    pub(super) fn new(attachment: &'a mut bindings::dma_buf_attachment) -> Self {
        // INVARIANT: By what is said above.
        Self(attachment)
    }

    /// Whether the importer copes with memory that has no pages, such as that of another device on
    /// the same bus.
    #[inline]
    pub fn peer2peer(&self) -> bool {
        self.0.peer2peer
    }

    /// Says that the device cannot reach such memory here. The importer sees pages then, and so
    /// does [`AttachedDevice::peer2peer`](super::AttachedDevice::peer2peer).
    #[inline]
    pub fn refuse_peer2peer(&mut self) {
        self.0.peer2peer = false;
    }

    /// Whether the importer lets go of the memory, in bounded time, when it is told that it moves.
    #[inline]
    pub fn is_revocable(&mut self) -> bool {
        // SAFETY: By the type invariant the attachment is there, and its importer is known.
        unsafe { bindings::dma_buf_attach_revocable(self.0) }
    }
}
