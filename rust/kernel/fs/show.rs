// SPDX-License-Identifier: GPL-2.0

//! Files that are printed as a whole whenever they are read.
//!
//! C header: [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h)

use crate::{
    bindings,
    error::from_result,
    interop::export::Wrapper,
    prelude::*,
    seq_file::SeqFile, //
};
use core::marker::PhantomData;

/// A file that is printed, as those in debugfs are.
pub trait Show: 'static {
    /// Prints it. May sleep. A failure is what reading fails with.
    fn show(m: &SeqFile) -> Result;
}

/// Whether there is no more room: who prints a long list may end then, since seq_file will ask
/// again with more.
#[inline(always)]
pub fn is_full(m: &SeqFile) -> bool {
    // SAFETY: The file is valid, and only who prints it accesses it.
    unsafe { (*m.as_c()).count == (*m.as_c()).size }
}

/// The `struct file_operations` of files that are printed.
///
/// # Invariants
///
/// The module that `T` is in stays as long as there is such a file.
pub struct ShowTable<T>(bindings::file_operations, PhantomData<T>);

// SAFETY: The table is constant.
unsafe impl<T> Sync for ShowTable<T> {}

impl<T: Show> ShowTable<T> {
    /// The table of `T`, in the module `owner`, or NULL if that needs not be kept.
    ///
    /// # Safety
    ///
    /// `owner` must be what keeps the module that `T` is in, unless something else does.
    pub const unsafe fn new(owner: *mut bindings::module) -> Self {
        // INVARIANT: By this function's contract.
        Self(
            bindings::file_operations {
                owner,
                open: Some(single_open::<T>),
                read: Some(bindings::seq_read),
                llseek: Some(bindings::seq_lseek),
                release: Some(bindings::single_release),
                ..pin_init::zeroed()
            },
            PhantomData,
        )
    }

    /// What C calls it.
    #[inline]
    pub const fn as_ptr(&'static self) -> *const bindings::file_operations {
        &raw const self.0
    }
}

/// # Safety
///
/// Called by the VFS with a file that is being opened.
unsafe extern "C" fn single_open<T: Show>(
    _inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> c_int {
    // SAFETY: The VFS's guarantee.
    unsafe { bindings::single_open(file, Some(show::<T>), core::ptr::null_mut()) }
}

/// # Safety
///
/// Called by seq_file.
unsafe extern "C" fn show<T: Show>(m: *mut bindings::seq_file, _: *mut c_void) -> c_int {
    from_result(|| {
        // SAFETY: The caller's guarantee.
        T::show(unsafe { SeqFile::from_raw(m) }).map(|()| 0)
    })
}
