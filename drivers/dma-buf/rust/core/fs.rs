// SPDX-License-Identifier: GPL-2.0

//! The pseudo file system `dmabuf`, which the buffers' files live in.

use crate::{
    buffer,
    file,
    name, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    error::{
        from_err_ptr,
        from_result, //
    },
    fs::file::flags,
    prelude::*,
    str::as_char_ptr_in_const_context,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        SetOnce, //
    },
    types::{
        Opaque,
        ScopeGuard, //
    },
};

/// The mount of the file system that all files are in.
///
/// # Invariants
///
/// Stays mounted for ever.
#[derive(Clone, Copy)]
struct Mount(NonNull<bindings::vfsmount>);

// SAFETY: A mount is not tied to a thread.
unsafe impl Send for Mount {}

// SAFETY: A mount does its own locking.
unsafe impl Sync for Mount {}

static MOUNT: SetOnce<Mount> = SetOnce::new();

/// A C structure that the VFS changes under its own locks.
#[repr(transparent)]
struct FsType(Opaque<bindings::file_system_type>);

// SAFETY: After initialisation only the VFS accesses it, under its locks.
unsafe impl Sync for FsType {}

static FS_TYPE: FsType = FsType(Opaque::new(bindings::file_system_type {
    name: as_char_ptr_in_const_context(c"dmabuf"),
    init_fs_context: Some(init_fs_context),
    kill_sb: Some(bindings::kill_anon_super),
    ..pin_init::zeroed()
}));

const DENTRY_OPS: bindings::dentry_operations = bindings::dentry_operations {
    d_dname: Some(dname),
    d_release: Some(release),
    ..pin_init::zeroed()
};

/// Mounts the file system. Called once, at boot.
pub(crate) fn init() -> Result {
    // SAFETY: The type is complete and static.
    let mount = from_err_ptr(unsafe { bindings::kern_mount(FS_TYPE.0.get()) })?;

    // INVARIANT: Nobody unmounts it.
    MOUNT.populate(Mount(NonNull::new(mount).ok_or(ENOMEM)?));
    Ok(())
}

/// Makes the file of a buffer of `size` bytes, not yet connected with the buffer.
///
/// The caller gets the only reference. Fails with `ENOMEM`, `ENFILE`, or `ENODEV` before [`init`].
pub(crate) fn new_file(size: usize, open_flags: u32) -> Result<NonNull<bindings::file>> {
    /// Unique over the life of the system, unlike what `alloc_anon_inode()` gives.
    static LAST_INODE: Atomic<i64> = Atomic::new(0);

    let mount = MOUNT.copy().ok_or(ENODEV)?.0.as_ptr();

    // SAFETY: The file system is mounted.
    let inode = from_err_ptr(unsafe { bindings::alloc_anon_inode((*mount).mnt_sb) })?;
    let inode = ScopeGuard::new_with_data(inode, |inode| {
        // SAFETY: We own the reference.
        unsafe { bindings::iput(inode) }
    });

    // SAFETY: The inode is new and ours.
    unsafe {
        let inode = *inode;
        (*inode).i_size = size as bindings::loff_t;
        bindings::inode_set_bytes(inode, size as bindings::loff_t);
        (*inode).i_ino = LAST_INODE.fetch_add(1, Relaxed) as u64 + 1;
    }

    // SAFETY: Inode and mount are valid, the name and the operations are static.
    let file = from_err_ptr(unsafe {
        bindings::alloc_file_pseudo(
            *inode,
            mount,
            c"dmabuf".as_char_ptr(),
            (open_flags & (flags::O_ACCMODE | flags::O_NONBLOCK)) as c_int,
            file::OPS,
        )
    })?;

    // The file owns the inode now.
    inode.dismiss();
    NonNull::new(file).ok_or(ENOMEM)
}

/// Connects a new file with its buffer, which goes when the file's directory entry goes.
///
/// # Safety
///
/// `file` must be the caller's own file from [`new_file`], and `buf` must own it.
pub(crate) unsafe fn connect(file: NonNull<bindings::file>, buf: *mut bindings::dma_buf) {
    // SAFETY: The file is valid and nobody else knows it yet.
    unsafe {
        let file = file.as_ptr();
        let path = &raw const (*file).__bindgen_anon_1.f_path;
        (*file).private_data = buf.cast();
        (*(*path).dentry).d_fsdata = buf.cast();
    }
}

/// # Safety
///
/// Called by the VFS to mount the file system.
unsafe extern "C" fn init_fs_context(fc: *mut bindings::fs_context) -> c_int {
    from_result(|| {
        // SAFETY: The VFS passes a valid context.
        let ctx = unsafe { bindings::init_pseudo(fc, bindings::DMA_BUF_MAGIC as c_ulong) };
        let ctx = NonNull::new(ctx).ok_or(ENOMEM)?.as_ptr();

        // SAFETY: The context is ours until we return.
        unsafe { (*ctx).dops = &DENTRY_OPS };
        Ok(0)
    })
}

/// What `/proc/PID/maps` and `/proc/PID/fd` show.
///
/// # Safety
///
/// Called by the VFS with a directory entry of this file system.
unsafe extern "C" fn dname(
    dentry: *mut bindings::dentry,
    buffer: *mut c_char,
    len: c_int,
) -> *mut c_char {
    // SAFETY: `connect` put the buffer there before anybody could see the entry.
    let buf = unsafe { DmaBuf::from_raw((*dentry).d_fsdata.cast()) };

    name::with(buf, |name| {
        // SAFETY: `buffer` has room for `len` bytes; the format takes two strings.
        unsafe {
            bindings::dynamic_dname(
                buffer,
                len,
                c"/%s:%s".as_char_ptr(),
                (*dentry).__bindgen_anon_1.d_name.name,
                name.unwrap_or(c"").as_char_ptr(),
            )
        }
    })
}

/// # Safety
///
/// Called by the VFS, once, when nothing refers to the directory entry any more.
unsafe extern "C" fn release(dentry: *mut bindings::dentry) {
    // SAFETY: As in `dname`; an entry whose file was never connected has NULL.
    if let Some(buf) = NonNull::new(unsafe { (*dentry).d_fsdata }.cast()) {
        // SAFETY: `connect` made the entry the owner of the buffer.
        unsafe { buffer::release(buf) };
    }
}
