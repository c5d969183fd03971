// SPDX-License-Identifier: GPL-2.0

//! Memory of others.

use kernel::{
    dma::DataDirection,
    dma_buf::{
        importer::{
            DynamicAttachment,
            DynamicImporter,
            EmulatedDevice,
            MovingAttachment, //
        },
        DmaBuf,
        ResvGuard,
        Usage, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// What the device has done so far.
pub(crate) struct Counters {
    pub(crate) moves: Atomic<u64>,
    pub(crate) told: Atomic<u64>,
    pub(crate) jobs: Atomic<u64>,
    pub(crate) resets: Atomic<u64>,
}

/// Memory of others, which may move, too.
///
/// Hardware would be told the addresses of the mapping. There is none, so the CPU plays the device,
/// and gets at the contents in its own way: by [`DmaBuf::vmap`].
pub(crate) struct Import {
    attachment: DynamicAttachment<Arc<EmulatedDevice>, Follower>,
}

impl Import {
    pub(crate) fn new(
        buf: &DmaBuf,
        dev: &Arc<EmulatedDevice>,
        counters: &Arc<Counters>,
    ) -> Result<Self> {
        let follower = Follower {
            counters: counters.clone(),
        };
        let attachment = DynamicAttachment::new(buf.into(), dev.clone(), follower)?;

        Ok(Self { attachment })
    }

    pub(crate) fn buffer(&self) -> &DmaBuf {
        self.attachment.buffer()
    }

    /// Makes sure that the device has the addresses of where it is now.
    pub(crate) fn map(&self, mut guard: ResvGuard<'_>) -> Result {
        let mut locked = self.attachment.with_guard(&mut guard)?;

        if locked.mapping().is_none() {
            locked.map(DataDirection::Bidirectional)?;
        }
        Ok(())
    }
}

/// The device follows the memory of an object.
struct Follower {
    counters: Arc<Counters>,
}

#[vtable]
impl DynamicImporter for Follower {
    // "VRAM" of others is memory that we can reach.
    const ALLOW_PEER2PEER: bool = true;

    fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
        attachment.counters.told.add(1, Relaxed);
        // The next job maps it again. Those that have their fences there use what is mapped now.
        for fence in attachment.fences(Usage::Bookkeep) {
            fence.wait();
        }
        attachment.unmap();
    }
}
