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
    prelude::*, //
};
use core::ptr;

/// A directory in `/sys/kernel/debug`, which nobody else makes.
pub struct DebugDir(&'static CStr);

impl DebugDir {
    /// The directory of that name. It is not there before [`create`](Self::create).
    pub const fn new(name: &'static CStr) -> Self {
        Self(name)
    }

    /// Makes the directory, with files of these names and modes. What cannot be made is missing:
    /// the kernel does without.
    ///
    /// An open file keeps the module of its operations, whether or not it is still there.
    pub fn create(&self, files: &[(&'static CStr, u16, Openable)]) {
        // SAFETY: The names and the operations are static, and keep their module. With an error for
        // a directory no file is made.
        unsafe {
            let dir = bindings::debugfs_create_dir(self.0.as_char_ptr(), ptr::null_mut());

            for &(name, mode, operations) in files {
                bindings::debugfs_create_file_unsafe(
                    name.as_char_ptr(),
                    mode,
                    dir,
                    ptr::null_mut(),
                    operations.as_ptr(),
                );
            }
        }
    }

    /// Takes the directory away, and the files in it.
    pub fn remove(&self) {
        // SAFETY: The name is static.
        unsafe { bindings::debugfs_lookup_and_remove(self.0.as_char_ptr(), ptr::null_mut()) };
    }
}
