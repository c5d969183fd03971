// SPDX-License-Identifier: GPL-2.0

//! The files of heaps.

use crate::{
    heap::{
        Heap,
        OpenHeap, //
    },
    ioctl,
    registry,
    LocalModule, //
};
use kernel::{
    bindings,
    fs::operations::{
        Operations,
        Table, //
    },
    module::this_module,
    prelude::*,
    uaccess::UserPtr, //
};

/// What such a file does.
pub(crate) struct Files;

// SAFETY: Files of this table are made by opening a device, and it names this module.
pub(crate) static TABLE: Table<Files> =
    unsafe { Table::new(this_module::<LocalModule>().as_ptr()) };

#[vtable]
impl Operations for Files {
    type Data = OpenHeap;

    const STREAM: bool = true;

    /// Fails as [`registry::open`] does.
    fn open(number: u32) -> Result<OpenHeap> {
        registry::open((number & bindings::MINORMASK) as usize)
    }

    fn ioctl(heap: &Heap, cmd: u32, arg: UserPtr) -> Result<isize> {
        ioctl::dispatch(heap, cmd, arg).map(|()| 0)
    }
}
