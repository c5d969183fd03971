// SPDX-License-Identifier: GPL-2.0

//! The signal of a fence, and what is asked and told until it comes.

use super::{
    annotation,
    flag::Flag,
    layout::{
        fence::{
            test_and_set,
            Time, //
        },
        lock::{
            lock,
            Locked,
            Pending, //
        },
        ops::ops, //
    },
    state::{
        error,
        has,
        result, //
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

        let done = self.can_be_asked() && {
            let rcu = rcu::read_lock();
            ops(self.fence(), &rcu).is_some_and(|ops| ops.is_signaled())
        };
        if done {
            self.signal();
        }
        done
    }

    /// Signals the fence now, unless it has been signalled.
    #[inline(always)]
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
    #[inline(always)]
    pub(super) fn signal_at(&mut self, timestamp: Time) {
        signal_locked(self.reborrow(), timestamp);
    }

    /// Makes sure that the fence will be signalled without further polling. `None` if it is
    /// signalled.
    #[inline(always)]
    pub(super) fn enable_signaling(&mut self) -> Option<Pending<'_>> {
        let fence = self.fence();

        // The signal, too, needs the lock, so that there is nothing to be ordered.
        // MODEL: fence-callback
        if has(fence, Flag::Signaled) {
            return None;
        }
        if !has(fence, Flag::EnableSignal) && !enable_first(self.reborrow()) {
            return None;
        }
        // INVARIANT: Just looked at, and issuers do not signal where they say that they will.
        Some(Pending(fence, PhantomData))
    }
}

/// Signals a fence, see [`Locked::signal_at`].
fn signal_locked(mut locked: Locked<'_>, timestamp: Time) {
    if let Some(mut unfinished) = locked.mark_signaled() {
        trace::dma_fence_signaled(unfinished.fence(), &unfinished);
        unfinished.detach();
        unfinished.finish(timestamp);
    }
}

/// Asks the issuer to signal the fence, which is pending, the first time that somebody waits.
/// Returns `false` if it has to be signalled here, and is.
#[inline(never)]
fn enable_first(mut locked: Locked<'_>) -> bool {
    let fence = locked.fence();

    test_and_set(fence, Flag::EnableSignal);
    if !locked.wants_to_be_asked() {
        return true;
    }

    let rcu = rcu::read_lock();
    let enabled = locked.ask_issuer(&rcu, || trace::dma_fence_enable_signal(fence, &locked));
    drop(rcu);

    if !enabled {
        locked.signal();
    }
    enabled
}

/// Whether the work is done, be `fence` marked as signalled or its issuer asked. As
/// [`Fence::is_done`], for who holds RCU anyway.
#[inline(always)]
pub(crate) fn is_done(fence: &Fence, rcu: &rcu::Guard) -> bool {
    fence.test_signaled_flag() || ask(fence, rcu)
}

/// Asks the issuer whether the work is done. If so `fence` is signalled.
#[inline(always)]
pub(crate) fn ask(fence: &Fence, rcu: &rcu::Guard) -> bool {
    let done = ops(fence, rcu).is_some_and(|ops| ops.is_signaled());

    if done {
        signal_at_last(fence);
    }
    done
}

/// Signals what its issuer has not signalled, though it is done.
#[cold]
#[inline(never)]
fn signal_at_last(fence: &Fence) {
    signal(fence);
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
    // Issuers owe their lock a grace period.
    let _rcu = rcu::read_lock();
    // Without the time it is being signalled right now: whoever asks for that next would spin for
    // it, perhaps for somebody whom this task keeps from going on. The lock waits.
    // MODEL: none, because who wants the time looks again.
    let has_time = has(fence, Flag::Timestamp);
    let error = result(fence).filter(|_| has_time).or_else(|| {
        let is_signaled = lock(fence).is_signaled();

        is_signaled.then(|| error(fence))
    });

    match error {
        None => 0,
        Some(0) => 1,
        Some(error) => error,
    }
}

/// When `fence`, which is done, was signalled; if that is right now, when it has been. Any context,
/// but for the callbacks of `fence` itself.
pub(crate) fn signaled_at(fence: &Fence) -> Option<Time> {
    let rcu = rcu::read_lock();

    // As in `status`.
    // MODEL: none, because who wants the time looks again.
    if !has(fence, Flag::Timestamp) {
        drop(lock(fence));
    }
    drop(rcu);
    Some(fence.timestamp()?.as_nanos())
}

/// Passes on a hint that somebody would like `fence` to be signalled by `deadline`. Any context.
#[inline(never)]
pub(crate) fn set_deadline(fence: &Fence, deadline: Time) {
    let rcu = rcu::read_lock();

    if let Some(ops) = ops(fence, &rcu).filter(|ops| ops.hears_deadlines()) {
        if !fence.is_done() {
            ops.set_deadline(deadline);
        }
    }
}
