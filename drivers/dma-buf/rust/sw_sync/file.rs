// SPDX-License-Identifier: GPL-2.0

//! The files, `sync/info` and `sync/sw_sync` in debugfs.

use crate::{
    info,
    ioctl,
    timeline::Timeline,
    LocalModule, //
};
use core::ptr;
use kernel::{
    bindings,
    fs::{
        operations::{
            Operations,
            Table, //
        },
        show::{
            Show,
            ShowTable, //
        },
    },
    module::this_module,
    prelude::*,
    seq_file::SeqFile,
    sync::aref::ARef,
    uaccess::UserPtr, //
};

const DIR: &CStr = c"sync";

/// What `sync/info` does.
struct Info;

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
    fn open(_number: u32) -> Result<ARef<Timeline>> {
        Timeline::new()
    }

    fn release(timeline: ARef<Timeline>) {
        timeline.close();
    }

    fn ioctl(timeline: &Timeline, cmd: u32, arg: UserPtr) -> Result<isize> {
        ioctl::ioctl(timeline, cmd, arg).map(|()| 0)
    }
}

// SAFETY: It names this module.
static INFO: ShowTable<Info> = unsafe { ShowTable::new(this_module::<LocalModule>().as_ptr()) };

// SAFETY: Files of this table are made by opening, and it names this module.
static SW_SYNC: Table<SwSync> = unsafe { Table::new(this_module::<LocalModule>().as_ptr()) };

/// Makes the files. They are for tests: the kernel does without, if they cannot be made.
///
/// They go when the module does, which an open file keeps from that: nothing else has to protect
/// their users.
pub(crate) fn init() {
    // SAFETY: Names and operations are static. An error pointer for a parent makes the other calls
    // do nothing.
    unsafe {
        let dir = bindings::debugfs_create_dir(DIR.as_char_ptr(), ptr::null_mut());

        for (name, mode, ops) in [
            (c"info", 0o444, INFO.as_ptr()),
            (c"sw_sync", 0o644, SW_SYNC.as_ptr()),
        ] {
            bindings::debugfs_create_file_unsafe(
                name.as_char_ptr(),
                mode,
                dir,
                ptr::null_mut(),
                ops,
            );
        }
    }
}

/// Takes the files away.
pub(crate) fn exit() {
    // SAFETY: The name is static. Nobody else makes a directory of that name.
    unsafe { bindings::debugfs_lookup_and_remove(DIR.as_char_ptr(), ptr::null_mut()) };
}
