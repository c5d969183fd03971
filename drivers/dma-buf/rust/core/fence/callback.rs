// SPDX-License-Identifier: GPL-2.0

//! Callbacks, for those who wait without sleeping.

use super::layout::lock::{
    lock,
    Func,
    Lent,
    Order, //
};
use kernel::{
    dma_buf::Fence,
    prelude::*,
    sync::rcu,
    warn_on, //
};

/// Has `func` called with `callback` when `fence` is signalled, under its lock. Fails with `ENOENT`
/// if it is signalled already: then what was done before the signal is visible. Any context.
pub(crate) fn add(fence: &Fence, callback: Lent, func: Func) -> Result {
    // MODEL: fence-callback, fence-done, sync-file-poll
    if !fence.test_signaled_flag() {
        let mut guard = lock(fence);

        if let Some(pending) = guard.enable_signaling() {
            pending.add(&callback, func, Order::Last);
            return Ok(());
        }
    }

    callback.refuse();
    Err(ENOENT)
}

/// As [`add`], for who has no more than a reference. The fence may be signalled meanwhile, and
/// issuers owe their lock a grace period.
pub(crate) fn add_in_rcu(fence: &Fence, callback: Lent, func: Func) -> Result {
    let _rcu = rcu::read_lock();

    add(fence, callback, func)
}

/// As [`add`]. To have passed no fence or no function is `EINVAL` and a warning.
#[inline(always)]
pub(super) fn add_passed(fence: Option<&Fence>, callback: Lent, func: Option<Func>) -> Result {
    let (Some(fence), Some(func)) = (fence, func) else {
        warn_on!(true);
        return Err(EINVAL);
    };

    add(fence, callback, func)
}

/// Takes off what was [added](add). Returns `false` if it has run, in which case it is not running
/// any more. Any context, but for the callbacks of `fence` itself.
#[inline]
pub(crate) fn remove(fence: &Fence, callback: Lent) -> bool {
    lock(fence).take_off(&callback)
}
