// SPDX-License-Identifier: GPL-2.0

//! A `struct dma_fence_cb` and what comes with it.

use super::lock::{
    Func,
    Lent,
    Order,
    Pending, //
};
use crate::fence::callback::add;
use core::{
    cell::UnsafeCell,
    mem::MaybeUninit, //
};
use kernel::{
    bindings::{
        dma_fence,
        dma_fence_cb, //
    },
    dma_buf::Fence,
    prelude::*,
    types::Opaque, //
};

/// What waits for a fence.
pub(crate) trait OnSignal: Sized {
    /// Called when `fence` is signalled, under its lock.
    fn signaled(self, fence: &Fence);
}

/// Room for a callback and for what it is called with.
#[repr(C)]
pub(crate) struct Hook<T> {
    callback: Opaque<dma_fence_cb>,
    data: UnsafeCell<MaybeUninit<T>>,
}

impl<T: OnSignal> Hook<T> {
    /// What calls `data`.
    const FUNC: Func = signaled::<T>;

    pub(in crate::fence) fn new(data: T) -> Self {
        Self {
            callback: Opaque::uninit(),
            data: UnsafeCell::new(MaybeUninit::new(data)),
        }
    }

    /// Has what is in a new hook called, before all others, when a fence is signalled. Gives what
    /// to take off.
    ///
    /// # Safety
    ///
    /// As for [`arm`](Self::arm), and that this is the first time.
    #[inline(always)]
    pub(in crate::fence) unsafe fn arm_first(hook: *const Self, pending: Pending<'_>) -> Lent {
        // INVARIANT: By this function's contract. The callback comes first.
        let callback = Lent(hook.cast_mut().cast());

        pending.add(&callback, Self::FUNC, Order::First);
        callback
    }

    /// Has `data` called when `fence` is signalled. Gives it back if it is already, or else what to
    /// take off.
    ///
    /// # Safety
    ///
    /// `hook` must be valid, and nobody else may use it, until `data` is called or the callback has
    /// been taken off.
    #[inline(always)]
    pub(crate) unsafe fn arm(hook: *const Self, fence: &Fence, data: T) -> Result<Lent, T> {
        // SAFETY: By this function's contract it is ours until the callback has run, which is never
        // if it could not be added.
        unsafe {
            let place = (&raw const (*hook).data).cast_mut().cast::<T>();

            place.write(data);
            match add(fence, Lent(hook.cast_mut().cast()), Self::FUNC) {
                Ok(()) => Ok(Lent(hook.cast_mut().cast())),
                Err(_) => Err(place.read()),
            }
        }
    }
}

/// Called when `fence` is signalled.
///
/// # Safety
///
/// Called with the callback of a hook that has been given to `fence`.
unsafe extern "C" fn signaled<T: OnSignal>(fence: *mut dma_fence, callback: *mut dma_fence_cb) {
    // SAFETY: By this function's contract; hooks begin with their callback. What is in it is ours:
    // this runs once for each time that it was given away.
    unsafe {
        let data = (*callback.cast::<Hook<T>>())
            .data
            .get()
            .read()
            .assume_init();

        data.signaled(Fence::from_raw(fence));
    }
}
