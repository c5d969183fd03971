// SPDX-License-Identifier: GPL-2.0

//! The files, `sync/info` and `sync/sw_sync` in debugfs, and what the VFS calls for them.

use crate::{
    info,
    ioctl,
    timeline::Timeline, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings,
    dma_buf::to_errno,
    error::from_result,
    prelude::*,
    seq_file::SeqFile,
    sync::aref::ARef,
    uaccess::UserPtr, //
};

const DIR: &CStr = c"sync";

struct Ops(bindings::file_operations);

// SAFETY: The table is constant.
unsafe impl Sync for Ops {}

static INFO: Ops = Ops(bindings::file_operations {
    #[cfg(MODULE)]
    owner: (&raw const bindings::__this_module).cast_mut(),
    open: Some(info_open),
    read: Some(bindings::seq_read),
    llseek: Some(bindings::seq_lseek),
    release: Some(bindings::single_release),
    ..pin_init::zeroed()
});

static SW_SYNC: Ops = Ops(bindings::file_operations {
    #[cfg(MODULE)]
    owner: (&raw const bindings::__this_module).cast_mut(),
    open: Some(open),
    release: Some(release),
    unlocked_ioctl: Some(ioctl_op),
    compat_ioctl: bindings::compat_ptr_ioctl,
    ..pin_init::zeroed()
});

/// Makes the files. They are for tests: the kernel does without, if they cannot be made.
///
/// They go when the module does, which an open file keeps from that: nothing else has to protect
/// their users.
pub(crate) fn init() {
    // SAFETY: The names are static.
    let dir = unsafe { bindings::debugfs_create_dir(DIR.as_char_ptr(), ptr::null_mut()) };

    for (name, mode, ops) in [(c"info", 0o444, &INFO), (c"sw_sync", 0o644, &SW_SYNC)] {
        // SAFETY: Name and operations are static. An error pointer for a parent makes this do
        // nothing.
        unsafe {
            bindings::debugfs_create_file_unsafe(
                name.as_char_ptr(),
                mode,
                dir,
                ptr::null_mut(),
                &ops.0,
            )
        };
    }
}

/// Takes the files away.
pub(crate) fn exit() {
    // SAFETY: The name is static. Nobody else makes a directory of that name.
    unsafe { bindings::debugfs_lookup_and_remove(DIR.as_char_ptr(), ptr::null_mut()) };
}

/// # Safety
///
/// Called by the VFS with a file that is being opened.
unsafe extern "C" fn info_open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    // SAFETY: The VFS's guarantee.
    unsafe { bindings::single_open(file, Some(info_show), ptr::null_mut()) }
}

/// # Safety
///
/// Called by seq_file.
unsafe extern "C" fn info_show(m: *mut bindings::seq_file, _: *mut c_void) -> c_int {
    // SAFETY: The caller's guarantee.
    info::show(unsafe { SeqFile::from_raw(m) });
    0
}

/// Fails with `ENOMEM`.
///
/// # Safety
///
/// Called by the VFS with a file that is being opened.
unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    from_result(|| {
        let timeline = ARef::into_raw(Timeline::new()?);

        // SAFETY: The file is ours while it is being opened. `release` takes the reference back.
        unsafe { (*file).private_data = timeline.as_ptr().cast() };
        Ok(0)
    })
}

/// # Safety
///
/// Called by the VFS, once, when nobody uses the file any more.
unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    // SAFETY: `open` put a reference there.
    let timeline: ARef<Timeline> =
        unsafe { ARef::from_raw(NonNull::new_unchecked((*file).private_data).cast()) };

    timeline.close();
    0
}

/// # Safety
///
/// Called by the VFS with an open file.
unsafe extern "C" fn ioctl_op(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
    // SAFETY: `open` put a reference there, which stays until `release`.
    let timeline: &Timeline = unsafe { &*(*file).private_data.cast() };

    to_errno(ioctl::ioctl(timeline, cmd, UserPtr::from_addr(arg))) as c_long
}
