// SPDX-License-Identifier: GPL-2.0

//! An importer that is told that memory moves can give up what it has, and nothing else: the
//! exporter is in the middle of the move, and has reserved the slots that it needs.

use kernel::{
    dma::DataDirection,
    dma_buf::{
        importer::{
            DynamicAttachment,
            DynamicImporter,
            EmulatedDevice,
            MovingAttachment, //
        },
        Usage, //
    },
    prelude::*,
    sync::{
        Arc,
        SetOnce, //
    },
};

struct Object {
    peer: SetOnce<DynamicAttachment<Arc<EmulatedDevice>, Object>>,
}

#[vtable]
impl DynamicImporter for Object {
    fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
        #[cfg(misuse)]
        {
            let _ = attachment.map(DataDirection::ToDevice); //~ ERROR [E0599]
            let _ = attachment.pin(); //~ ERROR no method named `pin` found
            let mut guard = attachment.guard(); //~ ERROR no method named `guard` found

            let _ = guard.reserve_fences(1);
            if let Some(peer) = attachment.peer.as_ref() {
                let _ = peer.with_guard(&mut guard);
            }
        }
        let _ = (attachment.peer.as_ref(), DataDirection::ToDevice);
        if attachment.fences(Usage::Bookkeep).count() == 0 {
            attachment.unmap();
        }
        attachment.unpin();
    }
}
