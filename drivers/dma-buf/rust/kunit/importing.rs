// SPDX-License-Identifier: GPL-2.0

//! What the suites of importers share.

use crate::exporter::ADDRESS;
use kernel::{
    dma::{
        DataDirection,
        DmaAddress,
        DmaMask, //
    },
    dma_buf::{
        importer::{
            DynamicAttachment,
            DynamicImporter,
            EmulatedDevice,
            MovingAttachment, //
        },
        DmaBuf,
        Usage, //
    },
    io::ResourceSize,
    page::PAGE_SIZE,
    prelude::*,
    scatterlist::SGTable,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// What most mappings are for.
pub(crate) const DIR: DataDirection = DataDirection::ToDevice;

/// A device that stays until it is dropped.
pub(crate) fn device() -> Result<EmulatedDevice> {
    EmulatedDevice::new(c"rust-dma-importer-kunit", DmaMask::new::<64>())
}

/// Whether nobody has the reservation object of `buf` locked.
pub(crate) fn unlocked(buf: &DmaBuf) -> bool {
    buf.resv().try_lock().is_some()
}

/// What a table says to a device.
pub(crate) fn addresses(table: &SGTable) -> Result<KVec<(DmaAddress, ResourceSize)>> {
    let mut all = KVec::new();

    for entry in table.iter() {
        all.push((entry.dma_address(), entry.dma_len()), GFP_KERNEL)?;
    }
    Ok(all)
}

/// What a [`moving`] buffer has mapped.
pub(crate) fn is_moving(table: &SGTable) -> bool {
    addresses(table).is_ok_and(|all| *all == [(ADDRESS, 2 * PAGE_SIZE as ResourceSize)])
}

/// An importer that unmaps what is invalidated, or does not.
pub(crate) struct Follower {
    pub(crate) calls: Atomic<i32>,
    unmaps: bool,
}

#[vtable]
impl DynamicImporter for Follower {
    fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
        attachment.calls.add(1, Relaxed);
        assert_eq!(attachment.fences(Usage::Bookkeep).count(), 0);
        assert!(!unlocked(attachment.buffer()));
        if attachment.unmaps {
            attachment.unmap();
        }
    }
}

/// A device that follows a buffer.
pub(crate) type Follows = DynamicAttachment<Arc<EmulatedDevice>, Follower>;

/// Attaches `dev` so that it follows `buf`.
pub(crate) fn follow(
    dev: &Arc<EmulatedDevice>,
    buf: ARef<DmaBuf>,
    unmaps: bool,
) -> Result<Follows> {
    let follower = Follower {
        calls: Atomic::new(0),
        unmaps,
    };
    DynamicAttachment::new(buf, dev.clone(), follower)
}
