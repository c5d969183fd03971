// SPDX-License-Identifier: GPL-2.0

//! Directories of debugfs with files of our own operations.
//!
//! What [`debugfs`](crate::debugfs) cannot make: files that take commands, and files that print the
//! bytes of names as they are.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use super::operations::Openable;
use crate::{
    bindings,
    interop::{
        any_thread::AnyThread,
        module_ref::ModuleRef, //
    },
    prelude::*, //
};
use core::{
    marker::PhantomPinned,
    ptr::{
        self,
        NonNull, //
    }, //
};

/// A file: its name, its mode, and what happens when it is used.
pub type DebugFile = (&'static CStr, u16, Openable);

/// A directory in `/sys/kernel/debug`, with files, until this is dropped.
///
/// It belongs into the structure that is the module, with which it goes. Anywhere else it keeps the
/// module loaded that the files call, so that it may be forgotten there. An open file keeps the
/// module of its operations, whether or not it is still there, but for one: a module that cannot be
/// loaded. What can fail there is to be done before this is made.
///
/// # Invariants
///
/// `dir` is what `debugfs_create_dir()` has returned. What is in there refers to a module that
/// stays: `_module` keeps it, or this is in the memory of the same module and dropped before that
/// goes.
#[pin_data(PinnedDrop)]
pub struct DebugDir {
    dir: Option<AnyThread<bindings::dentry>>,
    // Dropped when there is no directory any more.
    _module: Option<ModuleRef>,
    #[pin]
    _pinned: PhantomPinned,
}

impl DebugDir {
    /// Makes the directory `name`, which nobody else makes, with files of one module. What cannot
    /// be made is missing: the kernel does without.
    ///
    /// Fails with `ENOENT` if the module is about to be unloaded, or is being loaded and this is
    /// not in its own structure; with `EINVAL` if there are files of several. Sleeps.
    pub fn new(name: &'static CStr, files: &'static [DebugFile]) -> impl PinInit<Self, Error> {
        // INVARIANT: The reference comes first.
        try_pin_init!(&this in Self {
            _module: module_of(this.addr().get(), files)?,
            dir: create(name, files),
            _pinned: PhantomPinned,
        }? Error)
    }
}

/// A reference to the module of `files`, unless `place` is in there, too.
// Once, and not in each module.
#[inline(never)]
fn module_of(place: usize, files: &[DebugFile]) -> Result<Option<ModuleRef>> {
    let Some((_, _, first)) = files.first() else {
        return Ok(None);
    };

    if files
        .iter()
        .any(|(_, _, other)| other.owner() != first.owner())
    {
        return Err(EINVAL);
    }
    ModuleRef::unless_inside(place, first.code())
}

#[inline(never)]
fn create(name: &CStr, files: &[DebugFile]) -> Option<AnyThread<bindings::dentry>> {
    // SAFETY: The operations are static, and keep their module. With an error for a directory no
    // file is made.
    let dir = unsafe {
        let dir = bindings::debugfs_create_dir(name.as_char_ptr(), ptr::null_mut());

        for (name, mode, operations) in files {
            bindings::debugfs_create_file_unsafe(
                name.as_char_ptr(),
                // More is a bug for debugfs.
                *mode & 0o7777,
                dir,
                ptr::null_mut(),
                operations.as_ptr(),
            );
        }
        dir
    };

    NonNull::new(dir).map(AnyThread::new)
}

#[pinned_drop]
impl PinnedDrop for DebugDir {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant. An error in its place is nothing to be removed.
        unsafe { bindings::debugfs_remove(self.dir.map_or(ptr::null_mut(), AnyThread::as_ptr)) };
    }
}
