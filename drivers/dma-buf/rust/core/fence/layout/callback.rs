// SPDX-License-Identifier: GPL-2.0

//! A `struct dma_fence_cb` and what comes with it.

use super::lock::{
    lock,
    Func,
    Guard,
    Lent,
    Order, //
};
use crate::fence::callback::add;
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
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

/// A locked fence with a callback, as [`with_callback`] passes it.
///
/// # Invariants
///
/// `'id` stands for the one that has the callback.
pub(crate) struct Armed<'id, 'a> {
    guard: Guard<'a>,
    _id: PhantomData<fn(&'id ()) -> &'id ()>,
}

impl Armed<'_, '_> {
    /// Calls `f` while the fence is not locked.
    #[inline(always)]
    pub(crate) fn unlocked<R>(self, f: impl FnOnce() -> R) -> (R, Self) {
        let fence = self.guard.fence();

        drop(self.guard);

        let result = f();

        // INVARIANT: The same fence.
        let armed = Self {
            guard: lock(fence),
            _id: PhantomData,
        };
        (result, armed)
    }
}

/// Calls `f`, which gives back what it gets, and until that returns has `data` called, before all
/// others, when the fence is signalled. `None` if it is already. Calls `then` with the result while
/// the lock is still held.
#[inline(always)]
pub(crate) fn with_callback<'a, T: OnSignal + Send, R>(
    mut guard: Guard<'a>,
    data: T,
    f: impl for<'id> FnOnce(Armed<'id, 'a>) -> (R, Armed<'id, 'a>),
    then: impl FnOnce(R) -> R,
) -> Option<R> {
    let hook = Hook::new(data);
    // INVARIANT: Nobody else uses it, or moves it, until it is taken off below.
    let callback = Lent((&raw const hook.callback).cast_mut().cast());

    guard
        .pending()?
        .add(&callback, Hook::<T>::FUNC, Order::First);

    // INVARIANT: This fence has it.
    let (result, mut armed) = f(Armed {
        guard,
        _id: PhantomData,
    });

    armed.guard.take_off(&callback);
    Some(then(result))
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
