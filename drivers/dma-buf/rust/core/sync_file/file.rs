// SPDX-License-Identifier: GPL-2.0

//! The file operations of a sync_file.

use super::{
    ioctl,
    SyncFile, //
};
use crate::fence;
use kernel::{
    bindings,
    bindings::EPOLLIN,
    container_of,
    dma_buf::{
        to_errno,
        Fence, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The table, which also tells these files from all others.
struct Ops(bindings::file_operations);

// SAFETY: The table is constant.
unsafe impl Sync for Ops {}

static FILE_OPS: Ops = Ops(bindings::file_operations {
    owner: crate::this_module(),
    release: Some(release),
    poll: Some(poll),
    unlocked_ioctl: Some(ioctl_op),
    compat_ioctl: bindings::compat_ptr_ioctl,
    ..pin_init::zeroed()
});

/// The file operations that all sync_files have.
pub(super) const OPS: *const bindings::file_operations = &raw const FILE_OPS.0;

/// # Safety
///
/// `file` must be an open file with [`OPS`], for `'a`.
unsafe fn sync_file<'a>(file: *mut bindings::file) -> &'a SyncFile {
    // SAFETY: By the caller's guarantee.
    unsafe { SyncFile::from_raw((*file).private_data.cast()) }
}

/// Whether somebody has polled, and the callback been given to the fence.
fn poll_enabled(sync_file: &SyncFile) -> &Atomic<usize> {
    // SAFETY: The flags live as long as the sync_file and are accessed atomically only.
    unsafe { Atomic::from_ptr(&raw mut (*sync_file.as_raw()).flags) }
}

/// # Safety
///
/// Called by the VFS after the last reference to the file is gone.
unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    // SAFETY: The VFS's guarantee: nobody else is in one of these operations, or will be.
    unsafe {
        let sync_file = sync_file(file);
        let raw = sync_file.as_raw();

        if poll_enabled(sync_file).load(Relaxed) != 0 {
            fence::remove_callback(sync_file.fence(), &raw mut (*raw).cb);
        }
        drop(Fence::from_owned((*raw).fence));
        bindings::kfree(raw.cast());
    }
    0
}

/// # Safety
///
/// Called by the VFS with an open file and NULL or a valid table.
unsafe extern "C" fn poll(
    file: *mut bindings::file,
    table: *mut bindings::poll_table,
) -> bindings::__poll_t {
    // SAFETY: The VFS's guarantee. The queue lives as long as the file.
    let sync_file = unsafe {
        let sync_file = sync_file(file);
        bindings::poll_wait(file, &raw mut (*sync_file.as_raw()).wq, table);
        sync_file
    };
    let fence = sync_file.fence();

    if poll_enabled(sync_file).load(Relaxed) == 0 && arm(sync_file, fence).is_err() {
        // Somebody may have been waiting before the callback was given, which will never run.
        wake_all(sync_file);
    }
    if fence.is_signaled() {
        EPOLLIN
    } else {
        0
    }
}

/// Gives the callback to the fence, once. Fails with `ENOENT` if the fence is signalled.
fn arm(sync_file: &SyncFile, fence: &Fence) -> Result {
    use kernel::sync::atomic::Full;

    if poll_enabled(sync_file).xchg(1 << bindings::POLL_ENABLED, Full) != 0 {
        return Ok(());
    }
    // SAFETY: The flag was not set, so that nobody else has given the callback away. It stays until
    // `release` has taken it off.
    unsafe {
        fence::add_callback(
            fence,
            &raw mut (*sync_file.as_raw()).cb,
            Some(fence_signaled),
        )
    }
}

fn wake_all(sync_file: &SyncFile) {
    // SAFETY: The queue is initialised. Zero stands for everybody.
    unsafe {
        bindings::__wake_up(
            &raw mut (*sync_file.as_raw()).wq,
            bindings::TASK_NORMAL,
            0,
            core::ptr::null_mut(),
        )
    };
}

/// # Safety
///
/// Called by the fence with the callback that [`arm`] gave it.
unsafe extern "C" fn fence_signaled(
    _fence: *mut bindings::dma_fence,
    cb: *mut bindings::dma_fence_cb,
) {
    // SAFETY: The callback is part of a sync_file, whose release waits for this to return.
    wake_all(unsafe { SyncFile::from_raw(container_of!(cb, bindings::sync_file, cb)) });
}

/// # Safety
///
/// Called by the VFS with an open file.
unsafe extern "C" fn ioctl_op(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
    // SAFETY: The VFS's guarantee.
    let sync_file = unsafe { sync_file(file) };

    to_errno(ioctl::ioctl(sync_file, cmd, arg)) as c_long
}
