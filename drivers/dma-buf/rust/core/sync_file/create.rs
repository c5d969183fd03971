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
pub(super) trait Kind: Operations<Data = Pin<KBox<SyncFile>>> {
    /// Their table.
    fn table() -> &'static Table<Self>;
}

/// Makes a file for `fence`, with a name that ends with a zero, or none. There is none without
/// memory, or if there are too many files. Sleeps.
#[inline(never)]
pub(super) fn create<T: Kind>(
    fence: ARef<Fence>,
    user_name: Option<&[u8; NAME_SIZE]>,
) -> Option<ARef<File>> {
    create_here::<T>(fence, user_name)
}

/// As [`create`], for who has nothing else on the stack.
#[inline(always)]
pub(super) fn create_here<T: Kind>(
    fence: ARef<Fence>,
    user_name: Option<&[u8; NAME_SIZE]>,
) -> Option<ARef<File>> {
    let sync_file = SyncFile::new(fence, user_name).ok()?;
    let file = T::table()
        .anon_inode_file(c"sync_file", sync_file, 0)
        .ok()?;

    if let Some(sync_file) = T::table().data_of(&file) {
        // MODEL: none, because nobody else has the file.
        sync_file.file().store(file.as_ptr(), Relaxed);
    }
    Some(file)
}
