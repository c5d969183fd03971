// SPDX-License-Identifier: GPL-2.0

//! The pseudo file system `dmabuf`, which the buffers' files live in.

use super::{
    file,
    layout::{
        body::{
            self,
            Body, //
        },
        life::Dying,
        vfs::NewFile, //
    },
    mount::{
        self,
        FileSystem, //
    },
    release, //
};
use crate::LocalModule;
use core::ptr::NonNull;
use kernel::{
    bindings,
    callbacks,
    dma_buf::DmaBuf,
    interop::object::Object,
    module::this_module,
    prelude::*,
    str::as_char_ptr_in_const_context,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// Of the file system, and of each file in it.
const NAME: &CStr = c"dmabuf";

static FS_TYPE: FileSystem = FileSystem::new(bindings::file_system_type {
    name: as_char_ptr_in_const_context(NAME),
    owner: this_module::<LocalModule>().as_ptr(),
    init_fs_context: Some(init_fs_context),
    kill_sb: Some(bindings::kill_anon_super),
    ..pin_init::zeroed()
});

const DENTRY_OPS: bindings::dentry_operations = bindings::dentry_operations {
    d_dname: Some(dname),
    d_release: Some(d_release),
    ..pin_init::zeroed()
};

/// The file system is usable.
pub(super) use mount::Mountable as Usable;

/// Makes the file system usable. Comes first, at boot or when the module is loaded.
#[inline(always)]
pub(super) fn init() -> impl PinInit<Usable, Error> {
    mount::init(&FS_TYPE)
}

/// Makes the file of a buffer of `size` bytes, not yet connected with the buffer.
///
/// Fails with `ENOMEM`, `ENFILE`, or `ENODEV` before [`init`].
pub(super) fn new_file(size: usize, open_flags: u32) -> Result<NewFile> {
    /// Unique over the life of the system, unlike what `alloc_anon_inode()` gives.
    static LAST_INODE: Atomic<i64> = Atomic::new(0);

    let mount = mount::get(&FS_TYPE)?;
    // MODEL: unique-number
    let number = LAST_INODE.fetch_add(1, Relaxed) as u64 + 1;

    NewFile::new(&mount, NAME, &file::TABLE, (size, number, open_flags))
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

callbacks! {
    /// Called by the VFS to mount the file system.
    fn init_fs_context(fc: &Object<bindings::fs_context>) -> Result {
        // SAFETY: The context is valid. What is made for it is ours until we return.
        unsafe {
            bindings::init_pseudo(fc.get(), bindings::DMA_BUF_MAGIC as c_ulong)
                .as_mut()
                .ok_or(ENOMEM)?
                .dops = &DENTRY_OPS;
        }
        Ok(())
    }

    /// What `/proc/PID/maps` and `/proc/PID/fd` show. Called by the VFS with a directory entry of
    /// this file system, and where to build a path.
    fn dname(
        dentry: &Object<bindings::dentry>,
        buffer: NonNull<c_char>,
        len: c_int,
    ) -> *mut c_char {
        // SAFETY: A file got its buffer before anybody could see its entry. `buffer` has room for
        // `len` bytes, which nobody else looks at meanwhile.
        let (buf, buffer) = unsafe {
            (
                DmaBuf::from_raw((*dentry.get()).d_fsdata.cast()),
                core::slice::from_raw_parts_mut(buffer.as_ptr(), len as usize),
            )
        };
        let mut name = body::body(buf).name();
        let name = name
            .get()
            .as_ref()
            .map_or(c"", |name| name.as_c_str())
            .to_bytes_with_nul();

        put_at_end(buffer, [b"/", NAME.to_bytes(), b":", name])
            .map_or_else(|err| err.to_ptr(), |path| path.as_mut_ptr())
    }

    /// Called by the VFS, once, when nothing refers to the directory entry any more.
    fn d_release(dentry: &Object<bindings::dentry>) {
        // SAFETY: The entry owns a buffer, or has NULL if its file was never connected with one.
        let buf = unsafe {
            let buf: Option<NonNull<Body>> = NonNull::new((*dentry.get()).d_fsdata.cast());
            buf.map(|buf| Dying::from_raw(buf))
        };

        if let Some(buf) = buf {
            release::release(buf);
        }
    }
}
