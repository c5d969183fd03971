// SPDX-License-Identifier: GPL-2.0

//! A pseudo file system of buffers, and the directory entries of their files.

use super::life::Dying;
use crate::buffer::text::put_at_end;
use core::{
    mem::transmute,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    callbacks,
    dma_buf::DmaBuf,
    interop::object::Object,
    prelude::*,
    str::as_char_ptr_in_const_context, //
};

/// What there is to say about such a file system.
pub(in crate::buffer) trait FileSystem: 'static {
    /// Its name.
    const NAME: &'static CStr;

    /// The number that `statfs()` tells it by.
    const MAGIC: u32;

    /// Calls `f` with what user space calls a buffer. `f` must not sleep.
    fn with_name<R>(buf: &DmaBuf, f: impl FnOnce(&CStr) -> R) -> R;

    /// Called once, when nothing refers to the file of a buffer any more.
    fn release(buf: Dying);
}

/// The type of the file system `T` of `module`.
pub(in crate::buffer) const fn file_system<T: FileSystem>(
    module: &'static ThisModule,
) -> Object<bindings::file_system_type> {
    Object::new(bindings::file_system_type {
        name: as_char_ptr_in_const_context(T::NAME),
        owner: module.as_ptr(),
        init_fs_context: Some(init_fs_context::<T>),
        kill_sb: Some(bindings::kill_anon_super),
        ..pin_init::zeroed()
    })
}

struct Entries<T>(T);

impl<T: FileSystem> Entries<T> {
    const OPS: bindings::dentry_operations = bindings::dentry_operations {
        d_dname: Some(dname::<T>),
        d_release: Some(d_release::<T>),
        ..pin_init::zeroed()
    };
}

callbacks! {
    /// Called by the VFS to mount the file system.
    fn init_fs_context<T: FileSystem>(fc: &Object<bindings::fs_context>) -> Result {
        // SAFETY: The context is valid. What is made for it is ours until we return.
        unsafe {
            bindings::init_pseudo(fc.get(), T::MAGIC as c_ulong)
                .as_mut()
                .ok_or(ENOMEM)?
                .dops = &Entries::<T>::OPS;
        }
        Ok(())
    }

    /// What `/proc/PID/maps` and `/proc/PID/fd` show. Called by the VFS with a directory entry of
    /// this file system, and where to build a path.
    fn dname<T: FileSystem>(
        dentry: &Object<bindings::dentry>,
        buffer: NonNull<c_char>,
        len: c_int,
    ) -> *mut c_char {
        // SAFETY: A file got its buffer before anybody could see its entry. `buffer` has room for
        // `len` bytes, which nobody else looks at meanwhile.
        let (buf, room) = unsafe {
            (
                DmaBuf::from_raw((*dentry.get()).d_fsdata.cast()),
                core::slice::from_raw_parts_mut(buffer.as_ptr(), len as usize),
            )
        };

        T::with_name(buf, |name| {
            let parts: [&[u8]; 4] = [b"/", T::NAME.to_bytes(), b":", name.to_bytes_with_nul()];

            put_at_end(room, parts).map_or_else(|err| err.to_ptr(), |path| path.as_mut_ptr())
        })
    }

    /// Called by the VFS, once, when nothing refers to the directory entry any more.
    fn d_release<T: FileSystem>(dentry: &Object<bindings::dentry>) {
        // SAFETY: The entry owns a buffer, or has NULL if its file was never connected with one.
        // The other type is transparent, and a pointer; for NULL there is `None`.
        // INVARIANT: The file and its entry are gone.
        let buf: Option<Dying> = unsafe { transmute((*dentry.get()).d_fsdata) };

        if let Some(buf) = buf {
            T::release(buf);
        }
    }
}
