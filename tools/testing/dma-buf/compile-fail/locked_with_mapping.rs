// SPDX-License-Identifier: GPL-2.0

//! Who has locked an attachment cannot drop a mapping of it, which would wait for the lock.

use kernel::{
    dma::DataDirection,
    dma_buf::importer::{
        Attachment,
        KeepsBound, //
    },
    prelude::*,
};

fn locked_meanwhile<D: KeepsBound>(attachment: &mut Attachment<D>) -> Result {
    let mapping = attachment.map_unlocked(DataDirection::ToDevice)?;

    #[cfg(misuse)]
    let locked = attachment.lock(); //~ ERROR cannot borrow `*attachment` as mutable
    drop(mapping);
    Ok(())
}
