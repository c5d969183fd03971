// SPDX-License-Identifier: GPL-2.0

//! Catching what must not be done from inside a call.

use crate::{
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    },
    task::Task, //
};

const NEVER: usize = 0;
const LEFT: usize = 1;

/// Knows whether the running code was called, directly or not, from inside [`Inside::run`].
///
/// The calls are made with a fence's lock held. Whoever takes that lock from inside one waits for
/// itself, and without SMP, where a spin lock only turns off interrupts, does not even wait, but
/// frees what the call is still using.
///
/// A call is recognised by the task that was current when it began: interrupts are off meanwhile,
/// so that nothing else runs on top of that task.
pub(super) struct Inside(Atomic<usize>);

impl Inside {
    #[inline]
    pub(super) fn new() -> Self {
        Self(Atomic::new(NEVER))
    }

    #[inline]
    fn current() -> usize {
        Task::current_raw().addr()
    }

    /// Calls `f`. Interrupts are off, and calls do not overlap, except that without SMP one may be
    /// made from inside another. This is not used any more once the call has been left.
    #[inline]
    pub(super) fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        // MODEL: none, because a task looks for what it has written itself.
        let (before, current) = (self.0.load(Relaxed), Self::current());

        // MODEL: none, because a task looks for what it has written itself.
        self.0.store(current, Relaxed);
        let result = f();
        // Who was inside already still is.
        // MODEL: fence-callback-left
        self.0
            .store(if before == current { before } else { LEFT }, Release);
        result
    }

    /// Whether there was a call that has ended: what it did is done then.
    #[inline]
    pub(super) fn has_been_left(&self) -> bool {
        // MODEL: fence-callback-left
        self.0.load(Acquire) == LEFT
    }

    /// # Panics
    ///
    /// If called from inside a call.
    #[inline]
    pub(super) fn assert_outside(&self) {
        // MODEL: none, because a task looks for what it has written itself.
        assert!(self.0.load(Relaxed) != Self::current());
    }
}
