// SPDX-License-Identifier: GPL-2.0

//! sync_file: a fence as a file.
//!
//! Implements what [`include/linux/sync_file.h`](srctree/include/linux/sync_file.h) declares. The
//! file owns the `struct sync_file`, which owns a reference to the fence.
//!
//! The first poll puts a callback on the fence, which wakes all pollers. It may be running when the
//! file is released; taking it off waits for that, under the fence's lock.

use crate::{
    fence::{
        self,
        unwrap, //
    },
    kmalloc, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma_buf::Fence,
    error::from_err_ptr,
    fs::{
        File,
        LocalFile, //
    },
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};

mod ffi;
mod file;
mod ioctl;

/// The size of the buffers for names, with the terminating zero.
const NAME_SIZE: usize = 32;

/// A fence with a file.
///
/// # Invariants
///
/// Initialised. `fence` owns a reference. Once there is a file, nothing changes but the callback,
/// which belongs to the fence's lock.
#[repr(transparent)]
pub(crate) struct SyncFile(Opaque<bindings::sync_file>);

impl SyncFile {
    /// Borrows a sync_file from a C pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a `struct sync_file` that lives for `'a`.
    unsafe fn from_raw<'a>(ptr: *mut bindings::sync_file) -> &'a Self {
        // SAFETY: By the caller's guarantee; `SyncFile` is transparent.
        unsafe { &*ptr.cast() }
    }

    fn as_raw(&self) -> *mut bindings::sync_file {
        self.0.get()
    }

    pub(crate) fn fence(&self) -> &Fence {
        // SAFETY: By the type invariant.
        unsafe { Fence::from_raw((*self.as_raw()).fence) }
    }

    /// The name that user space has given, which ends with a zero; empty if it has not.
    fn user_name(&self) -> &[c_char; NAME_SIZE] {
        // SAFETY: By the type invariant the name is constant.
        unsafe { &(*self.as_raw()).user_name }
    }
}

/// Makes a file for `fence`, with a name that ends with a zero. What is returned lives as long as
/// the file in it, of which the caller gets a reference. Fails with `ENOMEM` or `ENFILE`. Sleeps.
pub(crate) fn new(
    fence: ARef<Fence>,
    user_name: Option<&[c_char; NAME_SIZE]>,
) -> Result<NonNull<bindings::sync_file>> {
    let sync_file = kmalloc::sync_file()?;
    let raw = sync_file.as_ptr();

    // SAFETY: The memory is valid, and nobody else knows of it yet.
    unsafe {
        if let Some(name) = user_name {
            bindings::sized_strscpy((&raw mut (*raw).user_name).cast(), name.as_ptr(), NAME_SIZE);
        }
        (*raw).fence = fence.as_raw();
        bindings::__init_waitqueue_head(
            &raw mut (*raw).wq,
            c"&sync_file->wq".as_char_ptr(),
            kernel::static_lock_class!().as_ptr(),
        );
        bindings::INIT_LIST_HEAD(&raw mut (*raw).cb.node);
    }

    // SAFETY: The name and the operations are static.
    let file = from_err_ptr(unsafe {
        bindings::anon_inode_getfile(c"sync_file".as_char_ptr(), file::OPS, raw.cast(), 0)
    })
    .and_then(|file| NonNull::new(file).ok_or(ENOMEM))
    .inspect_err(|_| {
        // SAFETY: There is no file, so that the memory is still ours.
        unsafe { bindings::kfree(raw.cast()) };
    })?;

    // INVARIANT: The reference goes over.
    core::mem::forget(fence);
    // SAFETY: The file is new, so that nobody else knows of it.
    unsafe {
        (*raw).file = file.as_ptr();
        Ok(sync_file)
    }
}

/// A file with the fences of both others, and with a name that ends with a zero.
fn merge(a: &SyncFile, b: &SyncFile, name: &[c_char; NAME_SIZE]) -> Result<ARef<File>> {
    let fence = unwrap::merge(&[Some(a.fence()), Some(b.fence())])?;
    let sync_file = new(fence, Some(name))?;

    // SAFETY: The file is new, and its reference is ours. Nobody uses its position.
    Ok(unsafe { ARef::from_raw(NonNull::new_unchecked((*sync_file.as_ptr()).file).cast()) })
}

/// The sync_file that `file` stands for, if it does.
fn of(file: &LocalFile) -> Option<&SyncFile> {
    // SAFETY: The operations of an open file do not change. A file with ours owns a sync_file.
    unsafe {
        core::ptr::eq((*file.as_ptr()).f_op, file::OPS)
            .then(|| SyncFile::from_raw((*file.as_ptr()).private_data.cast()))
    }
}

/// The fence of the sync_file that `fd` stands for; `None` if it does not stand for one.
pub(crate) fn fence_of(fd: u32) -> Option<ARef<Fence>> {
    let file = LocalFile::fget(fd).ok()?;

    of(&file).map(|sync_file| sync_file.fence().into())
}

/// Writes the name of `sync_file` to `buf`, cut off where that ends.
///
/// # Safety
///
/// `buf` must point to `len` writable bytes.
unsafe fn write_name(sync_file: &SyncFile, buf: *mut c_char, len: usize) {
    let name = sync_file.user_name();
    let fence = sync_file.fence();

    if name[0] != 0 {
        // SAFETY: By the caller's guarantee; a name is a string.
        unsafe { bindings::sized_strscpy(buf, name.as_ptr(), len) };
        return;
    }
    fence::with_names(fence, |driver, timeline| {
        // SAFETY: By the caller's guarantee; the format gets what it asks for.
        unsafe {
            bindings::snprintf(
                buf,
                len,
                c"%s-%s%llu-%lld".as_char_ptr(),
                driver.as_char_ptr(),
                timeline.as_char_ptr(),
                fence.context(),
                fence.seqno(),
            )
        };
    });
}
