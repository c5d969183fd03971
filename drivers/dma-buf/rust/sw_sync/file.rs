// SPDX-License-Identifier: GPL-2.0

//! The files, `sync/info` and `sync/sw_sync` in debugfs.

use crate::{
    info,
    ioctl,
    layout::objects::Timeline, //
};
use kernel::{
    fs::{
        argument::Answer,
        debug_dir::{
            DebugDir,
            DebugFile, //
        },
        operations::{
            Operations,
            Table, //
        },
        show::{
            Show,
            ShowTable, //
        },
    },
    prelude::*,
    seq_file::SeqFile,
    sync::aref::ARef,
    uaccess::UserPtr, //
};

/// What `sync/info` does.
struct Info;

#[vtable]
impl Show for Info {
    fn show(m: &SeqFile) -> Result {
        info::show(m);
        Ok(())
    }
}

/// What `sync/sw_sync` does: each open file is a timeline.
struct SwSync;

#[vtable]
impl Operations for SwSync {
    type Data = ARef<Timeline>;

    /// Fails with `ENOMEM`.
    #[inline(always)]
    fn open(_number: u32) -> Result<ARef<Timeline>> {
        Timeline::new()
    }

    #[inline(always)]
    fn release(timeline: ARef<Timeline>) {
        timeline.close();
    }

    #[inline(always)]
    fn ioctl(timeline: &Timeline, cmd: u32, arg: UserPtr) -> Answer {
        ioctl::ioctl(timeline, cmd, arg)
    }
}

static INFO: ShowTable<Info> = ShowTable::new();
static SW_SYNC: Table<SwSync> = Table::new();
static FILES: [DebugFile; 2] = [
    (c"info", 0o444, INFO.openable()),
    (c"sw_sync", 0o644, SW_SYNC.openable()),
];

/// The files. They are for tests: the kernel does without, if they cannot be made.
pub(crate) type Files = DebugDir;

/// Makes the files.
///
/// They go when the module does, which an open file keeps from that: nothing else has to protect
/// their users.
#[inline(always)]
pub(crate) fn files() -> impl PinInit<Files, Error> {
    DebugDir::new(c"sync", &FILES)
}
