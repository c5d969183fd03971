// SPDX-License-Identifier: GPL-2.0

//! When somebody wishes a fence to be signalled.

use kernel::{
    bindings::ktime_t,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// The earliest of the times that were set.
pub(crate) struct Deadline {
    /// `KTIME_MAX` at first.
    earliest: Atomic<ktime_t>,
    is_set: Atomic<bool>,
}

impl Deadline {
    pub(crate) const fn new() -> Self {
        Self {
            earliest: Atomic::new(ktime_t::MAX),
            is_set: Atomic::new(false),
        }
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<ktime_t> {
        // MODEL: sw-sync-deadline
        self.is_set
            .load(Acquire)
            .then(|| self.earliest.load(Relaxed))
    }

    pub(crate) fn set(&self, deadline: ktime_t) {
        // MODEL: sw-sync-deadline
        let mut earliest = self.earliest.load(Relaxed);

        // MODEL: sw-sync-deadline
        while deadline < earliest {
            match self.earliest.cmpxchg(earliest, deadline, Relaxed) {
                Ok(_) => break,
                Err(other) => earliest = other,
            }
        }
        // Who finds it set finds a deadline.
        // MODEL: sw-sync-deadline
        self.is_set.store(true, Release);
    }
}
