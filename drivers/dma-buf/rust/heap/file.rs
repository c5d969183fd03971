// SPDX-License-Identifier: GPL-2.0

//! The files of heaps.

use crate::{
    heap::{
        Heap,
        OpenHeap, //
    },
    ioctl,
    registry, //
};
use kernel::{
    bindings,
    fs::{
        argument::Answer,
        operations::{
            Operations,
            Table, //
        },
    },
    prelude::*,
    uaccess::UserPtr, //
};

/// What such a file does.
pub(crate) struct Files;

pub(crate) static TABLE: Table<Files> = Table::new();

#[vtable]
impl Operations for Files {
    type Data = OpenHeap;

    const STREAM: bool = true;

    /// Fails as [`registry::open`] does.
    #[inline(always)]
    fn open(number: u32) -> Result<OpenHeap> {
        registry::open((number & bindings::MINORMASK) as usize)
    }

    #[inline(always)]
    fn ioctl(heap: &Heap, cmd: u32, arg: UserPtr) -> Answer {
        ioctl::dispatch(heap, cmd, arg)
    }
}
