// SPDX-License-Identifier: GPL-2.0

//! The making of sync_files.

use super::layout::{
    SyncFile,
    NAME_SIZE, //
};
use kernel::{
    dma_buf::Fence,
    fs::{
        operations::{
            Operations,
            Table, //
        },
        File, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    }, //
};

/// The operations of files that own a sync_file.
pub(super) trait Kind: Operations<Data = Pin<KBox<SyncFile>>> {}

/// Makes a file for `fence`, with a name that ends with a zero, or none. Fails with `ENOMEM` or
/// `ENFILE`. Sleeps.
pub(super) fn create<T: Kind>(
    table: &'static Table<T>,
    fence: ARef<Fence>,
    user_name: Option<&[u8; NAME_SIZE]>,
) -> Result<ARef<File>> {
    let file = table.anon_inode_file(c"sync_file", SyncFile::new(fence, user_name)?, 0)?;

    if let Some(sync_file) = table.data_of(&file) {
        // MODEL: none, because nobody else has the file.
        sync_file.file().store(file.as_ptr(), Relaxed);
    }
    Ok(file)
}
