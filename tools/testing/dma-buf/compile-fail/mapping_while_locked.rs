// SPDX-License-Identifier: GPL-2.0

//! Who has locked the reservation object does not take it again, and what needs it locked goes first.

use kernel::{
    dma::DataDirection,
    dma_buf::{
        importer::{
            Attachment,
            KeepsBound, //
        },
        DmaBuf, //
    },
    prelude::*,
    scatterlist::SGTable,
};

fn twice<D: KeepsBound>(attachment: &mut Attachment<D>) -> Result {
    let locked = attachment.lock();

    #[cfg(misuse)]
    attachment.map_unlocked(DataDirection::ToDevice)?; //~ ERROR cannot borrow `*attachment` as immutable
    locked.map(DataDirection::ToDevice)?;
    Ok(())
}

fn unlocked<D: KeepsBound>(attachment: &mut Attachment<D>) -> Result<usize> {
    let locked = attachment.lock().map(DataDirection::ToDevice)?;
    let table: &SGTable = &locked;

    #[cfg(misuse)]
    drop(locked); //~ ERROR cannot move out of `locked` because it is borrowed
    Ok(table.iter().count())
}

fn address_after_unlock(buf: &DmaBuf, to: &mut [u8]) -> Result {
    let guard = buf.resv().lock();
    let vmap = buf.vmap_locked(&guard)?;

    #[cfg(misuse)]
    drop(guard); //~ ERROR cannot move out of `guard` because it is borrowed
    vmap.read(0, to)
}
