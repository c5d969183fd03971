// SPDX-License-Identifier: GPL-2.0

//! Files that are printed as a whole whenever they are read.
//!
//! C header: [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h)

use crate::{
    bindings,
    callbacks,
    fs::operations::{
        Contents,
        Openable, //
    },
    interop::{
        export::Wrapper,
        linked::Linked,
        object::{
            Constant,
            Object, //
        }, //
    },
    module::ModuleMetadata,
    prelude::*,
    seq_file::SeqFile, //
};
use core::{
    any::TypeId,
    marker::PhantomData,
    ptr, //
};

/// A file that is printed, as those in debugfs are.
#[vtable]
pub trait Show: 'static {
    /// The module whose code must stay while there is such a file. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

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

/// Prints a string, whose bytes are left alone.
#[inline]
pub fn print(m: &SeqFile, text: &CStr) {
    let text = text.to_bytes();

    // SAFETY: The file is valid, and so are as many bytes.
    unsafe { bindings::seq_write(m.as_c(), text.as_ptr().cast(), text.len()) };
}

/// The `struct file_operations` of files that are printed.
pub struct ShowTable<T>(Constant<Contents>, PhantomData<fn() -> T>);

impl<T: Show> ShowTable<T> {
    /// The table of `T`.
    pub const fn new() -> Self {
        let linked = Linked::into::<T::OwnerModule>();

        Self(
            Constant::new(Contents {
                operations: bindings::file_operations {
                    owner: linked.module(),
                    open: Some(open::<T>),
                    read: Some(bindings::seq_read),
                    llseek: Some(bindings::seq_lseek),
                    release: Some(bindings::single_release),
                    ..pin_init::zeroed()
                },
                _identity: TypeId::of::<T>,
                _linked: Some(linked),
            }),
            PhantomData,
        )
    }

    /// The table, for those who let files be opened.
    pub const fn openable(&'static self) -> Openable {
        // INVARIANT: These are seq_file's, which `open` prepares. The VFS keeps the owner.
        Openable(&self.0)
    }
}

impl<T: Show> Default for ShowTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

callbacks! {
    /// Called for a file that is being opened.
    fn open<T: Show>(_inode: &Object<bindings::inode>, file: &Object<bindings::file>) -> c_int {
        // SAFETY: The file is there, and `show` needs no data.
        unsafe { bindings::single_open(file.get(), Some(show::<T>), ptr::null_mut()) }
    }

    /// Called by seq_file.
    fn show<T: Show>(m: &SeqFile, _data: *mut c_void) -> Result {
        T::show(m)
    }
}
