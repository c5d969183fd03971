// SPDX-License-Identifier: GPL-2.0

//! Having something called on a signal for as long as a function runs: that of one fence, or of any
//! of several.

use super::{
    callback::remove,
    layout::{
        callback::{
            Hook,
            OnSignal, //
        },
        lock::{
            lock,
            Guard,
            Lent, //
        }, //
    }, //
};
use core::marker::PhantomData;
use kernel::{
    dma_buf::Fence,
    prelude::*, //
};

/// A locked fence with a callback, as [`with_callback`] passes it.
///
/// # Invariants
///
/// `'id` stands for the one that has the callback.
pub(super) struct Armed<'id, 'a> {
    guard: Guard<'a>,
    _id: PhantomData<fn(&'id ()) -> &'id ()>,
}

impl Armed<'_, '_> {
    /// Calls `f` while the fence is not locked.
    #[inline(always)]
    pub(super) fn unlocked<R>(self, f: impl FnOnce() -> R) -> (R, Self) {
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
pub(super) fn with_callback<'a, T: OnSignal + Send, R>(
    mut guard: Guard<'a>,
    data: T,
    f: impl for<'id> FnOnce(Armed<'id, 'a>) -> (R, Armed<'id, 'a>),
    then: impl FnOnce(R) -> R,
) -> Option<R> {
    let hook = Hook::new(data);
    let pending = guard.pending()?;
    // SAFETY: It is new, and nobody else uses it, or moves it, until it is taken off below.
    let callback = unsafe { Hook::arm_first(&raw const hook, pending) };

    // INVARIANT: This fence has it.
    let (result, mut armed) = f(Armed {
        guard,
        _id: PhantomData,
    });

    armed.guard.take_off(&callback);
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
pub(super) fn with_hooks<T: OnSignal + Send, R>(
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
