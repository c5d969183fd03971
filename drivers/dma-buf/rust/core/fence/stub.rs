// SPDX-License-Identifier: GPL-2.0

//! Fences that are signalled from the beginning.

use super::{
    init as init_fence,
    lock,
    now,
    set,
    Flag,
    Time, //
};
use crate::kmalloc;
use core::ptr;
use kernel::{
    bindings,
    bindings::dma_fence,
    dma_buf::Fence,
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};

#[repr(transparent)]
struct Stub(Opaque<dma_fence>);

// SAFETY: A fence does its own locking.
unsafe impl Sync for Stub {}

static STUB: Stub = Stub(Opaque::zeroed());

static OPS: super::Ops = super::Ops(bindings::dma_fence_ops {
    get_driver_name: Some(name),
    get_timeline_name: Some(name),
    ..pin_init::zeroed()
});

/// Operations of a fence that can do nothing but be signalled.
pub(super) fn ops() -> *const bindings::dma_fence_ops {
    &OPS.0
}

/// # Safety
///
/// None; the signature is that of an operation.
unsafe extern "C" fn name(_fence: *mut dma_fence) -> *const c_char {
    c"stub".as_char_ptr()
}

/// Makes the common stub. Called once at boot, before anything asks for it.
///
/// # Safety
///
/// Nobody else must use the stub at the same time.
pub(crate) unsafe fn init() {
    // SAFETY: Nobody else accesses the memory by this function's contract.
    unsafe { make(STUB.0.get(), now()) };
}

/// # Safety
///
/// `fence` must point to memory for a fence that nobody else accesses.
unsafe fn make(fence: *mut dma_fence, timestamp: Time) {
    // SAFETY: By this function's contract; the operations are static.
    let fence = unsafe {
        init_fence(fence, &OPS.0, ptr::null_mut(), 0, 0, 0);
        Fence::from_raw(fence)
    };

    set(fence, Flag::EnableSignal);
    lock(fence).signal_at(timestamp);
}

/// The common stub, which was signalled at boot.
pub(crate) fn get() -> ARef<Fence> {
    // SAFETY: The stub was made at boot and keeps the reference that it was made with.
    unsafe { Fence::from_raw(STUB.0.get()) }.into()
}

/// A stub that was signalled at `timestamp`. Fails with `ENOMEM`. May sleep.
pub(crate) fn new(timestamp: Time) -> Result<ARef<Fence>> {
    let fence = ptr::NonNull::from(KBox::leak(kmalloc::fence()?)).cast();

    // SAFETY: The memory is new, comes from `kmalloc()` and goes over to the fence, whose first
    // reference is ours.
    unsafe {
        make(fence.as_ptr(), timestamp);
        Ok(ARef::from_raw(fence.cast()))
    }
}
