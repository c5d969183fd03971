// SPDX-License-Identifier: GPL-2.0

//! The addresses of memory that can move are good as long as it is locked and mapped.

use kernel::{
    dma::DataDirection,
    dma_buf::importer::{
        DynamicAttachment,
        DynamicImporter,
        KeepsBound, //
    },
    prelude::*,
};

fn unmapped<D: KeepsBound + 'static, T: DynamicImporter>(
    attachment: &DynamicAttachment<D, T>,
) -> Result<usize> {
    let mut locked = attachment.lock();
    let table = locked.map(DataDirection::ToDevice)?;

    #[cfg(misuse)]
    locked.unmap(); //~ ERROR cannot borrow `locked` as mutable more than once
    Ok(table.iter().count())
}

fn unlocked<D: KeepsBound + 'static, T: DynamicImporter>(
    attachment: &DynamicAttachment<D, T>,
) -> Result<usize> {
    let mut locked = attachment.lock();
    let table = locked.map(DataDirection::ToDevice)?;

    #[cfg(misuse)]
    drop(locked); //~ ERROR cannot move out of `locked` because it is borrowed
    Ok(table.iter().count())
}
