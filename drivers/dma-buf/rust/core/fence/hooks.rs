// SPDX-License-Identifier: GPL-2.0

//! Waiting for several fences at once.

use super::{
    callback::remove,
    layout::{
        callback::{
            Hook,
            OnSignal, //
        },
        lock::Lent, //
    }, //
};
use kernel::{
    dma_buf::Fence,
    prelude::*, //
};

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
