// SPDX-License-Identifier: GPL-2.0

//! A `struct dma_fence_cb` and what comes with it.

use super::lock::{
    lock,
    Func,
    Guard,
    Lent,
    Order, //
};
use crate::fence::callback::{
    add,
    remove, //
};
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

    fn new(data: T) -> Self {
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

/// A locked fence with a callback, as [`with_callback`] shows it.
///
/// # Invariants
///
/// `'id` stands for the one that has the callback.
pub(crate) struct Armed<'id, 'a> {
    fence: &'a Fence,
    guard: Option<Guard<'a>>,
    _id: PhantomData<fn(&'id ()) -> &'id ()>,
}

impl Armed<'_, '_> {
    /// Calls `f` while the fence is not locked.
    #[inline(always)]
    pub(crate) fn unlocked<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.guard = None;

        let result = f();

        self.guard = Some(lock(self.fence));
        result
    }
}

/// Calls `f`, and until that returns has `data` called, before all others, when the fence is
/// signalled. `None` if it is already. Calls `then` with the result while the lock is still held.
#[inline(always)]
pub(crate) fn with_callback<'a, T: OnSignal + Send, R>(
    mut guard: Guard<'a>,
    data: T,
    f: impl for<'id> FnOnce(&mut Armed<'id, 'a>) -> R,
    then: impl FnOnce(R) -> R,
) -> Option<R> {
    let hook = Hook::new(data);
    // INVARIANT: Nobody else uses it, or moves it, until it is taken off below.
    let callback = Lent((&raw const hook.callback).cast_mut().cast());

    guard
        .pending()?
        .add(&callback, Hook::<T>::FUNC, Order::First);

    let mut armed = Armed {
        fence: guard.fence(),
        guard: Some(guard),
        _id: PhantomData,
    };
    let result = f(&mut armed);

    let fence = armed.fence;
    let guard = armed.guard.get_or_insert_with(|| lock(fence));

    guard.take_off(&callback);
    Some(then(result))
}

/// Hooks of one who waits for several fences.
///
/// # Invariants
///
/// None of the hooks moves. The callback beside one has been given to the fence of the same number.
struct Hooks<'a, T> {
    fences: &'a [&'a Fence],
    hooks: KVec<(Hook<T>, Option<Lent>)>,
}

impl<T: OnSignal> Hooks<'_, T> {
    /// Has what `data` makes called by each of the fences. Gives the first that is signalled
    /// already. Called once.
    #[inline(always)]
    fn arm(&mut self, data: impl Fn() -> T) -> Result<Option<usize>> {
        for (i, fence) in self.fences.iter().enumerate() {
            // INVARIANT: The capacity is there, so that nothing moves.
            self.hooks.push_within_capacity((Hook::new(data()), None))?;

            let Some((hook, lent)) = self.hooks.last_mut() else {
                return Err(EINVAL);
            };
            // SAFETY: The hook stays where it is until `drop` has taken the callback off.
            match unsafe { Hook::arm(hook, fence, data()) } {
                Ok(callback) => *lent = Some(callback),
                // There is nothing to take off, and the fence's lock may be gone by then.
                Err(_) => return Ok(Some(i)),
            }
        }
        Ok(None)
    }
}

impl<T> Drop for Hooks<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        for ((_, lent), fence) in self.hooks.iter_mut().zip(self.fences) {
            if let Some(callback) = lent.take() {
                remove(fence, callback);
            }
        }
    }
}

/// Calls `f`, and until that returns has what `data` makes called when one of `fences` is
/// signalled. `f` is told which of them is already, if any. Fails with `ENOMEM`.
#[inline(always)]
pub(crate) fn with_hooks<T: OnSignal + Send, R>(
    fences: &[&Fence],
    data: impl Fn() -> T,
    f: impl FnOnce(Option<usize>) -> R,
) -> Result<R> {
    let mut hooks = Hooks {
        fences,
        hooks: KVec::with_capacity(fences.len(), GFP_KERNEL)?,
    };
    let signaled = hooks.arm(data)?;

    Ok(f(signaled))
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
