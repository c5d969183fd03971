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
            Table,
            Time, //
        },
        lock::lock, //
    },
    signal::now, //
};
use core::mem::{
    forget,
    MaybeUninit, //
};
use kernel::{
    dma_buf::Fence,
    interop::export::FromC,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            AtomicFlag,
            Relaxed, //
        }, //
    },
};

static STUB: MaybeUninit<Fence> = MaybeUninit::zeroed();

/// Makes the common stub. Called at boot, before anything asks for it.
pub(crate) fn init() {
    static IS_MADE: AtomicFlag = AtomicFlag::new(false);

    // MODEL: none, because there is only one who boots.
    if IS_MADE.xchg(true, Relaxed) {
        return;
    }
    // SAFETY: Nobody else gets here, and nothing has a stub yet.
    let memory = unsafe { New::from_c(STUB.as_ptr().cast_mut().cast()) };

    // This reference is never dropped.
    forget(make(memory, now()));
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
    unsafe { STUB.assume_init_ref() }.into()
}

/// A stub that was signalled at `timestamp`. Fails with `ENOMEM`. May sleep.
pub(crate) fn new(timestamp: Time) -> Result<ARef<Fence>> {
    Ok(make(New::allocate()?, timestamp))
}
