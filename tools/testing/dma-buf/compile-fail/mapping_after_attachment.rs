// SPDX-License-Identifier: GPL-2.0

//! A mapping is of no use, and cannot be taken down, when its attachment is gone.

use kernel::{
    device::{
        Bound,
        Device, //
    },
    dma::DataDirection,
    dma_buf::{
        importer::Attachment,
        DmaBuf, //
    },
    prelude::*,
    sync::aref::ARef,
};

fn detached_too_early(buf: ARef<DmaBuf>, dev: &Device<Bound>) -> Result<usize> {
    let attachment = Attachment::new(buf, dev)?;
    let mapping = attachment.map_unlocked(DataDirection::ToDevice)?;

    #[cfg(misuse)]
    drop(attachment); //~ ERROR cannot move out of `attachment` because it is borrowed
    Ok(mapping.iter().count())
}

fn entries_after_the_mapping(buf: ARef<DmaBuf>, dev: &Device<Bound>) -> Result<usize> {
    let attachment = Attachment::new(buf, dev)?;
    let mapping = attachment.map_unlocked(DataDirection::ToDevice)?;
    let entries = mapping.iter();

    #[cfg(misuse)]
    drop(mapping); //~ ERROR cannot move out of `mapping` because it is borrowed
    Ok(entries.count())
}

fn attached_for_longer_than_bound<'a>(
    buf: ARef<DmaBuf>,
    dev: &'a Device<Bound>,
    store: &mut KVec<Attachment<&'static Device<Bound>>>,
) -> Result {
    let attachment = Attachment::new(buf, dev)?;

    #[cfg(misuse)]
    store.push(attachment, GFP_KERNEL)?; //~ ERROR borrowed data escapes outside of function
    Ok(())
}
