// SPDX-License-Identifier: GPL-2.0

//! What happens to a fence under its lock.

use super::{
    has,
    now,
    ops,
    ops_ptr,
    set,
    test_and_set,
    trace,
    Flag,
    Time, //
};
use core::{
    mem::MaybeUninit,
    ops::Deref,
    ptr, //
};
use kernel::{
    bindings,
    container_of,
    dma_buf::Fence,
    sync::{
        atomic::Relaxed,
        barrier,
        rcu, //
    }, //
};

/// What the issuer says of a fence that is not signalled.
fn asks_signaled(fence: &Fence, rcu: &rcu::Guard) -> bool {
    match ops(fence, rcu).and_then(|ops| ops.signaled) {
        // SAFETY: The operation is the fence's own, and RCU keeps its issuer.
        Some(signaled) => unsafe { signaled(fence.as_raw()) },
        None => false,
    }
}

/// A fence whose lock is held, with interrupts disabled.
///
/// # Invariants
///
/// The lock is held for as long as this exists.
pub(super) struct Locked<'a>(&'a Fence);

impl<'a> Locked<'a> {
    /// # Safety
    ///
    /// The caller must hold the lock of `fence` for as long as the result exists.
    pub(super) unsafe fn assume(fence: &'a Fence) -> Self {
        // SAFETY: The fence is valid.
        unsafe { bindings::dma_fence_assert_held(fence.as_raw()) };
        // INVARIANT: By the caller's guarantee.
        Self(fence)
    }

    /// Whether the fence is signalled, asking its issuer if need be.
    pub(super) fn is_signaled(&self) -> bool {
        if has(self.0, Flag::Signaled) {
            return true;
        }

        let done = {
            let rcu = rcu::read_lock();
            asks_signaled(self.0, &rcu)
        };
        if done {
            self.signal();
        }
        done
    }

    /// Signals the fence now, unless it has been signalled.
    pub(super) fn signal(&self) {
        self.signal_at(now());
    }

    /// Signals the fence now, unless it has been signalled. Returns whether it had been.
    pub(super) fn check_and_signal(&self) -> bool {
        let was_signaled = has(self.0, Flag::Signaled);

        self.signal();
        was_signaled
    }

    /// Signals the fence, unless it has been signalled: detaches it from its issuer and runs its
    /// callbacks.
    pub(super) fn signal_at(&self, timestamp: Time) {
        let fence = self.0;
        let raw = fence.as_raw();

        if test_and_set(fence, Flag::Signaled) {
            return;
        }
        trace::signaled(fence);

        let ops = ops_ptr(fence).load(Relaxed);
        // SAFETY: A fence that is not signalled has its operations.
        if unsafe { (*ops).release.is_none() && (*ops).wait.is_none() } {
            ops_ptr(fence).store(ptr::null(), Relaxed);
        }

        let mut pending = MaybeUninit::<bindings::list_head>::uninit();
        let pending = pending.as_mut_ptr();

        // SAFETY: The callbacks are ours under the lock. The timestamp takes their place, and what
        // was a list goes on in `pending`.
        unsafe {
            bindings::list_replace(&raw mut (*raw).__bindgen_anon_2.cb_list, pending);
            (*raw).__bindgen_anon_2.timestamp = timestamp;
        }
        // Pairs with the acquire in `timestamp()`.
        barrier::smp_mb(barrier::Write);
        set(fence, Flag::Timestamp);

        // SAFETY: `pending` is a valid list of registered callbacks. Each is taken off before it
        // runs, after which it may be gone.
        unsafe {
            loop {
                let node = (*pending).next;
                if ptr::eq(node, pending) {
                    break;
                }
                let cb = container_of!(node, bindings::dma_fence_cb, node);
                bindings::list_del_init(&raw mut (*cb).node);
                if let Some(func) = (*cb).func {
                    func(raw, cb);
                }
            }
        }
    }

    /// Makes sure that the fence will be signalled without further polling. Returns `false` if it
    /// is signalled.
    pub(super) fn enable_signaling(&self) -> bool {
        let fence = self.0;
        let was_set = test_and_set(fence, Flag::EnableSignal);

        if has(fence, Flag::Signaled) {
            return false;
        }
        if was_set {
            return true;
        }

        let enabled = {
            let rcu = rcu::read_lock();
            match ops(fence, &rcu).and_then(|ops| ops.enable_signaling) {
                Some(enable_signaling) => {
                    trace::enable_signal(fence);
                    // SAFETY: The operation is the fence's own, it wants the lock to be held, and
                    // RCU keeps its issuer.
                    unsafe { enable_signaling(fence.as_raw()) }
                }
                None => true,
            }
        };
        if !enabled {
            self.signal();
        }
        enabled
    }

    /// The callbacks' list head. Only there while the fence is not signalled.
    pub(super) fn callbacks(&self) -> *mut bindings::list_head {
        // SAFETY: Only an address is computed.
        unsafe { &raw mut (*self.0.as_raw()).__bindgen_anon_2.cb_list }
    }
}

/// Holds the lock of a fence; unlocks it when dropped.
///
/// # Invariants
///
/// The lock was taken by this guard, which knows the interrupt state to go back to.
pub(super) struct Guard<'a> {
    locked: Locked<'a>,
    irq_flags: usize,
}

impl<'a> Deref for Guard<'a> {
    type Target = Locked<'a>;

    fn deref(&self) -> &Locked<'a> {
        &self.locked
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::dma_fence_unlock_irqrestore(self.locked.0.as_raw(), self.irq_flags) };
    }
}

/// Locks `fence`. Any context.
pub(super) fn lock(fence: &Fence) -> Guard<'_> {
    // SAFETY: The fence is valid, and its lock lives as long as the fence.
    let irq_flags = unsafe { bindings::dma_fence_lock_irqsave(fence.as_raw()) };

    // INVARIANT: Locked just above.
    Guard {
        locked: Locked(fence),
        irq_flags,
    }
}
