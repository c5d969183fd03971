// SPDX-License-Identifier: GPL-2.0

//! Callbacks, for those who wait without sleeping.

use super::layout::lock::{
    lock,
    Func,
    Lent,
    Order, //
};
use kernel::{
    bindings,
    dma_buf::Fence,
    interop::export::FromC,
    prelude::*, //
};

/// Has `func` called with `callback` when `fence` is signalled, under its lock. Fails with `ENOENT`
/// if it is signalled already: then what was done before the signal is visible. Any context.
pub(super) fn add(fence: &Fence, callback: Lent, func: Func) -> Result {
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

/// Takes off what was [added](add). Returns `false` if it has run, in which case it is not running
/// any more. Any context, but for the callbacks of `fence` itself.
pub(super) fn remove(fence: &Fence, callback: Lent) -> bool {
    lock(fence).take_off(&callback)
}

/// As [`add`].
///
/// # Safety
///
/// `cb` must be valid, and not in use, until `func` was called or [`remove_callback`] has taken it
/// off.
pub(crate) unsafe fn add_callback(
    fence: &Fence,
    cb: *mut bindings::dma_fence_cb,
    func: bindings::dma_fence_func_t,
) -> Result {
    // SAFETY: By this function's contract.
    add(fence, unsafe { Lent::from_c(cb) }, func.ok_or(EINVAL)?)
}

/// As [`remove`].
///
/// # Safety
///
/// `cb` must have been given to [`add_callback`] for `fence`.
#[cfg(CONFIG_SYNC_FILE)]
pub(crate) unsafe fn remove_callback(fence: &Fence, cb: *mut bindings::dma_fence_cb) -> bool {
    // SAFETY: By this function's contract.
    remove(fence, unsafe { Lent::from_c(cb) })
}
