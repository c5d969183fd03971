// SPDX-License-Identifier: GPL-2.0

//! The signal of a fence, and what is asked and told until it comes.

use super::{
    annotation,
    layout::{
        fence::{
            error,
            has,
            test_and_set,
            Flag,
            Time, //
        },
        lock::{
            lock,
            Locked,
            Pending, //
        },
        ops::ops, //
    },
    trace, //
};
use core::marker::PhantomData;
use kernel::{
    dma_buf::Fence,
    prelude::*,
    sync::rcu,
    time::{
        hrtimer::HrTimerExpires,
        Instant,
        Monotonic, //
    }, //
};

/// The present.
#[inline]
pub(super) fn now() -> Time {
    Instant::<Monotonic>::now().as_nanos()
}

impl Locked<'_> {
    /// Whether the fence is signalled, asking its issuer if need be.
    pub(super) fn is_signaled(&mut self) -> bool {
        // MODEL: none, because the lock is held.
        if has(self.fence(), Flag::Signaled) {
            return true;
        }

        let done = {
            let rcu = rcu::read_lock();
            ops(self.fence(), &rcu).is_some_and(|ops| ops.is_signaled())
        };
        if done {
            self.signal();
        }
        done
    }

    /// Signals the fence now, unless it has been signalled.
    pub(super) fn signal(&mut self) {
        self.signal_at(now());
    }

    /// Signals the fence now, unless it has been signalled. Returns whether it had been.
    pub(super) fn check_and_signal(&mut self) -> bool {
        // MODEL: none, because the lock is held.
        let was_signaled = has(self.fence(), Flag::Signaled);

        self.signal();
        was_signaled
    }

    /// Signals the fence, unless it has been signalled: detaches it from its issuer and runs its
    /// callbacks.
    pub(super) fn signal_at(&mut self, timestamp: Time) {
        if let Some(mut unfinished) = self.mark_signaled() {
            trace::dma_fence_signaled(unfinished.fence(), &unfinished);
            unfinished.detach();
            unfinished.finish(timestamp);
        }
    }

    /// Makes sure that the fence will be signalled without further polling. `None` if it is
    /// signalled.
    pub(super) fn enable_signaling(&mut self) -> Option<Pending<'_>> {
        let fence = self.fence();
        let was_set = test_and_set(fence, Flag::EnableSignal);

        // MODEL: fence-callback
        if has(fence, Flag::Signaled) {
            return None;
        }

        let enabled = was_set || {
            let rcu = rcu::read_lock();
            ops(fence, &rcu).is_none_or(|ops| {
                ops.enable_signaling(self, || trace::dma_fence_enable_signal(fence, self))
            })
        };
        if !enabled {
            self.signal();
            return None;
        }
        // INVARIANT: Just looked at, and issuers do not signal where they say that they will.
        Some(Pending(fence, PhantomData))
    }
}

/// Signals `fence` now, unless it has been signalled. Any context.
pub(crate) fn signal(fence: &Fence) {
    let _section = annotation::signalling();

    lock(fence).signal();
}

/// Makes sure that `fence` will be signalled without further polling. Any context.
pub(super) fn enable_signaling(fence: &Fence) {
    lock(fence).enable_signaling();
}

/// Zero if `fence` is pending, one if it was signalled, a negative error code if it was signalled
/// with an error. Any context.
pub(crate) fn status(fence: &Fence) -> c_int {
    if !lock(fence).is_signaled() {
        return 0;
    }
    match error(fence) {
        0 => 1,
        error => error,
    }
}

/// Passes on a hint that somebody would like `fence` to be signalled by `deadline`. Any context.
pub(crate) fn set_deadline(fence: &Fence, deadline: Time) {
    let rcu = rcu::read_lock();

    if let Some(ops) = ops(fence, &rcu).filter(|ops| ops.hears_deadlines()) {
        if !fence.is_done() {
            ops.set_deadline(deadline);
        }
    }
}
