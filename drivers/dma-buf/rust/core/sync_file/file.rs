// SPDX-License-Identifier: GPL-2.0

//! The files of sync_files.

use super::{
    create::{
        create,
        create_here,
        Kind, //
    },
    ioctl,
    layout::SyncFile, //
};
use crate::fence;
use kernel::{
    bindings::EPOLLIN,
    dma_buf::Fence,
    fs::{
        argument::Answer,
        operations::{
            Operations,
            Table, //
        },
        File,
        LocalFile, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        poll::PollTable,
        rcu, //
    },
    uaccess::UserPtr, //
};

/// What such a file does.
struct SyncFiles;

impl Kind for SyncFiles {
    #[inline(always)]
    fn table() -> &'static Table<Self> {
        &TABLE
    }
}

static TABLE: Table<SyncFiles> = Table::new();

#[vtable]
impl Operations for SyncFiles {
    type Data = Pin<KBox<SyncFile>>;

    #[inline(always)]
    fn poll(sync_file: &SyncFile, file: &File, table: PollTable<'_>) -> u32 {
        table.register_wait(file, sync_file.queue());

        if sync_file.arm().is_err() {
            // Somebody may have been waiting before the callback was given, which will never run.
            sync_file.queue().notify_all();
        }
        EPOLLIN * u32::from(fence::is_done(sync_file.fence(), &rcu::read_lock()))
    }

    #[inline(always)]
    fn ioctl(sync_file: &SyncFile, cmd: u32, arg: UserPtr) -> Answer {
        ioctl::ioctl::<Self>(sync_file, cmd, arg)
    }
}

/// Makes a file for `fence`, as [`create`].
#[inline]
pub(crate) fn new(fence: ARef<Fence>) -> Option<ARef<File>> {
    create::<SyncFiles>(fence, None)
}

/// As [`new`], for C.
#[inline(always)]
pub(super) fn new_here(fence: ARef<Fence>) -> Option<ARef<File>> {
    create_here::<SyncFiles>(fence, None)
}

/// The sync_file that `file` stands for, if it does.
pub(super) fn of(file: &LocalFile) -> Option<&SyncFile> {
    TABLE.data_of(file)
}

/// The fence of the sync_file that `fd` stands for; `None` if it does not stand for one.
pub(super) fn fence_of(fd: u32) -> Option<ARef<Fence>> {
    let file = LocalFile::fget(fd).ok()?;

    of(&file).map(|sync_file| sync_file.fence().into())
}
