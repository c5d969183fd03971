// SPDX-License-Identifier: GPL-2.0

//! The pseudo file system `dmabuf`, which the buffers' files live in.

use super::{
    file,
    mount::{
        self,
        Mount, //
    },
    name, //
};
use crate::this_module;
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
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::{
        Opaque,
        ScopeGuard, //
    }, //
};

/// A C structure that the VFS changes under its own locks.
#[repr(transparent)]
struct FsType(Opaque<bindings::file_system_type>);

// SAFETY: After initialisation only the VFS accesses it, under its locks.
unsafe impl Sync for FsType {}

/// Of the file system, and of each file in it.
const NAME: &CStr = c"dmabuf";

static FS_TYPE: FsType = FsType(Opaque::new(bindings::file_system_type {
    name: as_char_ptr_in_const_context(NAME),
    owner: this_module(),
    init_fs_context: Some(init_fs_context),
    kill_sb: Some(bindings::kill_anon_super),
    ..pin_init::zeroed()
}));

const DENTRY_OPS: bindings::dentry_operations = bindings::dentry_operations {
    d_dname: Some(dname),
    d_release: Some(release),
    ..pin_init::zeroed()
};

/// Makes the file system usable. Called once, at boot or when the module is loaded.
pub(crate) fn init() -> Result {
    // SAFETY: The type is complete and static, and nothing was mounted before.
    unsafe { mount::init(FS_TYPE.0.get()) }
}

/// Makes the file of a buffer of `size` bytes, not yet connected with the buffer.
///
/// The caller gets the only reference. Fails with `ENOMEM`, `ENFILE`, or `ENODEV` before [`init`].
pub(crate) fn new_file(size: usize, open_flags: u32) -> Result<NonNull<bindings::file>> {
    /// Unique over the life of the system, unlike what `alloc_anon_inode()` gives.
    static LAST_INODE: Atomic<i64> = Atomic::new(0);

    let mount = Mount::get(FS_TYPE.0.get())?;

    // SAFETY: The file system is mounted.
    let inode = from_err_ptr(unsafe { bindings::alloc_anon_inode((*mount.as_ptr()).mnt_sb) })?;
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
            mount.as_ptr(),
            NAME.as_char_ptr(),
            (open_flags & (flags::O_ACCMODE | flags::O_NONBLOCK)) as c_int,
            file::OPS,
        )
    })?;

    // The file owns the inode now, and its path a reference to the mount.
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

    // SAFETY: `buffer` has room for `len` bytes, which nobody else looks at meanwhile.
    let buffer = unsafe { core::slice::from_raw_parts_mut(buffer.cast::<u8>(), len as usize) };

    name::with(buf, |name| {
        let name = name.unwrap_or(c"").to_bytes_with_nul();
        put_at_end(buffer, [b"/", NAME.to_bytes(), b":", name])
    })
    .map_or_else(|err| err.to_ptr(), |path| path.as_mut_ptr().cast())
}

/// Writes `parts`, which are not long, to the end of `buffer`, where paths are built. Fails with
/// `ENAMETOOLONG`.
fn put_at_end<'a>(buffer: &'a mut [u8], parts: [&[u8]; 4]) -> Result<&'a mut [u8]> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let start = buffer.len().checked_sub(len).ok_or(ENAMETOOLONG)?;
    let (_, path) = buffer.split_at_mut_checked(start).ok_or(ENAMETOOLONG)?;
    let bytes = parts.into_iter().flatten();

    path.iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    Ok(path)
}

/// # Safety
///
/// Called by the VFS, once, when nothing refers to the directory entry any more.
unsafe extern "C" fn release(dentry: *mut bindings::dentry) {
    // SAFETY: As in `dname`; an entry whose file was never connected has NULL.
    if let Some(buf) = NonNull::new(unsafe { (*dentry).d_fsdata }.cast()) {
        // SAFETY: `connect` made the entry the owner of the buffer.
        unsafe { super::release(buf) };
    }
}
