// SPDX-License-Identifier: GPL-2.0

//! New fences.

use super::{
    layout::fence::{
        New,
        Table, //
    },
    trace, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma_buf::Fence,
    prelude::*,
    sync::aref::ARef,
    warn_on, //
};

/// Operations of a fence that can do nothing but be signalled.
pub(super) static STUB_OPS: bindings::dma_fence_ops = bindings::dma_fence_ops {
    get_driver_name: Some(name),
    get_timeline_name: Some(name),
    ..pin_init::zeroed()
};

extern "C" fn name(_fence: *mut bindings::dma_fence) -> *const c_char {
    c"stub".as_char_ptr()
}

/// Makes a fence with one reference. Without `lock` it gets one of its own.
#[inline(always)]
pub(super) fn init(
    memory: New,
    ops: Table<'_>,
    lock: Option<NonNull<bindings::spinlock_t>>,
    context: u64,
    seqno: u64,
    flags: usize,
) -> ARef<Fence> {
    let ops = if warn_on!(!ops.is_complete()) {
        Table::new(&STUB_OPS)
    } else {
        ops
    };
    let fence = memory.init(ops, lock, context, seqno, flags);

    trace::dma_fence_init(&fence);
    fence
}
