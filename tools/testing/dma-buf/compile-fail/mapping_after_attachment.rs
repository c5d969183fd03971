// SPDX-License-Identifier: GPL-2.0

//! A mapping is gone before its attachment is, and the addresses before the mapping.

use kernel::{
    device::{
        Bound,
        Device, //
    },
    dma::DataDirection,
    dma_buf::{
        importer::{
            Attachment,
            Mapping, //
        },
        DmaBuf, //
    },
    prelude::*,
    scatterlist::SGTable,
    sync::aref::ARef,
};

fn count(table: &SGTable) -> usize {
    table.iter().count()
}

fn detached(attachment: Attachment<&Device<Bound>>) -> Result<usize> {
    let mapping = attachment.map_unlocked(DataDirection::ToDevice)?;

    #[cfg(misuse)]
    drop(attachment); //~ ERROR cannot move out of `attachment` because it is borrowed
    Ok(count(&mapping))
}

fn unmapped(attachment: &Attachment<&Device<Bound>>) -> Result<usize> {
    let mapping = attachment.map_unlocked(DataDirection::ToDevice)?;
    let table: &SGTable = &mapping;

    #[cfg(misuse)]
    drop(mapping); //~ ERROR cannot move out of `mapping` because it is borrowed
    Ok(count(table))
}

fn made_here<'a>(
    buf: ARef<DmaBuf>,
    dev: &'a Device<Bound>,
) -> Result<Mapping<Attachment<&'a Device<Bound>>>> {
    let attachment = Attachment::new(buf, dev)?;

    attachment.into_mapping(DataDirection::ToDevice)
}

#[cfg(misuse)]
fn made_and_dropped_here<'a>(
    buf: ARef<DmaBuf>,
    dev: &'a Device<Bound>,
) -> Result<Mapping<&'a Attachment<&'a Device<Bound>>>> {
    let attachment = Attachment::new(buf, dev)?;

    attachment.map_unlocked(DataDirection::ToDevice)
    //~^ ERROR cannot return value referencing local variable `attachment`
}
