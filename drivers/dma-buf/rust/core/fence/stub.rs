// SPDX-License-Identifier: GPL-2.0

//! Fences that are signalled from the beginning.

use super::{
    init::{
        init as init_fence,
        STUB_OPS, //
    },
    layout::{
        fence::{
            set,
            Flag,
            New,
            Static,
            Table,
            Time, //
        },
        lock::lock, //
    },
    signal::now, //
};
use kernel::{
    dma_buf::Fence,
    prelude::*,
    sync::aref::ARef, //
};

static STUB: Static = Static::new();

/// Makes the common stub. Called at boot, before anything asks for it.
pub(crate) fn init() {
    STUB.make(|memory| make(memory, now()));
}

fn make(memory: New, timestamp: Time) -> ARef<Fence> {
    let fence = init_fence(memory, Table::new(&STUB_OPS), None, 0, 0, 0);

    set(&fence, Flag::EnableSignal);
    lock(&fence).signal_at(timestamp);
    fence
}

/// The common stub, which was signalled at boot.
#[inline]
pub(crate) fn get() -> ARef<Fence> {
    // SAFETY: The stub was made at boot and keeps the reference that it was made with.
    unsafe { Fence::from_raw(STUB.as_ptr()) }.into()
}

/// A stub that was signalled at `timestamp`. Fails with `ENOMEM`. May sleep.
pub(crate) fn new(timestamp: Time) -> Result<ARef<Fence>> {
    Ok(make(New::allocate()?, timestamp))
}
