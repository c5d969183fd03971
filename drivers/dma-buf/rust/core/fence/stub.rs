// SPDX-License-Identifier: GPL-2.0

//! Fences that are signalled from the beginning.

use super::{
    flag::Flag,
    init::{
        init as init_fence,
        STUB_OPS, //
    },
    layout::{
        fence::{
            set,
            New,
            Table,
            Time, //
        },
        lock::lock, //
    },
    signal::now, //
};
use core::mem::forget;
use kernel::{
    bindings::dma_fence,
    dma_buf::Fence,
    interop::object::Object,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            AtomicFlag,
            Relaxed, //
        }, //
    }, //
};

/// Memory for a fence that stays, once it is made.
struct Static {
    memory: Object<dma_fence>,
    is_taken: AtomicFlag,
}

impl Static {
    const fn new() -> Self {
        Self {
            memory: Object::zeroed(),
            is_taken: AtomicFlag::new(false),
        }
    }

    /// Has the first who asks make the fence, which is there for ever.
    fn make(&'static self, f: impl FnOnce(New) -> ARef<Fence>) {
        // MODEL: none, because only who is first has the memory.
        if !self.is_taken.xchg(true, Relaxed) {
            // INVARIANT: Nobody else gets it, and it is static. It is never freed, since this
            // reference is not dropped.
            forget(f(New(self.memory.get().cast())));
        }
    }

    /// Where it is.
    #[inline(always)]
    fn as_ptr(&'static self) -> *mut dma_fence {
        self.memory.get()
    }
}

static STUB: Static = Static::new();

/// Makes the common stub. Called at boot, before anything asks for it.
#[inline]
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
