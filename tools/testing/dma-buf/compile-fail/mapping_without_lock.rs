// SPDX-License-Identifier: GPL-2.0

//! Memory is mapped with the reservation object locked: `map` is for who has locked it, and
//! `map_unlocked` says that it takes the lock.

use kernel::{
    dma::DataDirection,
    dma_buf::{
        importer::{
            Attachment,
            DynamicAttachment,
            DynamicImporter,
            KeepsBound, //
        },
        DmaBuf, //
    },
    prelude::*,
};

fn map<D: KeepsBound>(attachment: &mut Attachment<D>) -> Result {
    #[cfg(misuse)]
    attachment.map(DataDirection::ToDevice)?; //~ ERROR [E0599]
    attachment.lock().map(DataDirection::ToDevice)?;
    attachment.map_unlocked(DataDirection::ToDevice)?;
    Ok(())
}

fn map_dynamic<D: KeepsBound + 'static, T: DynamicImporter>(
    attachment: &DynamicAttachment<D, T>,
) -> Result {
    #[cfg(misuse)]
    attachment.map(DataDirection::ToDevice)?; //~ ERROR [E0599]
    attachment.lock().map(DataDirection::ToDevice)?;
    Ok(())
}

fn vmap(buf: &DmaBuf) -> Result {
    #[cfg(misuse)]
    buf.vmap_locked(buf.resv())?; //~ ERROR mismatched types
    buf.vmap_locked(&buf.resv().lock())?;
    Ok(())
}
