// SPDX-License-Identifier: GPL-2.0

//! Values in statics that are made where they are.

use super::atomic::{
    Acquire,
    AtomicFlag,
    Relaxed,
    Release, //
};
use crate::{
    prelude::*,
    types::Opaque, //
};
use core::convert::Infallible;

/// A place in a `static` for what is made there once, such as a lock. As
/// [`SetOnce`](super::SetOnce), for values that do not move.
///
/// # Examples
///
/// ```
/// use kernel::{new_mutex, prelude::*, sync::{Mutex, PinnedOnce}};
///
/// static COUNT: PinnedOnce<Mutex<u32>> = PinnedOnce::new();
///
/// assert!(COUNT.get().is_none());
/// assert!(COUNT.init(new_mutex!(1)));
/// assert!(!COUNT.init(new_mutex!(2)));
/// assert_eq!(COUNT.get().map(|count| *count.lock()), Some(1));
/// ```
///
/// # Invariants
///
/// Who sets `is_claimed` has `value` for itself, and makes it before setting `is_ready`. Then it is
/// there for everybody.
pub struct PinnedOnce<T> {
    is_claimed: AtomicFlag,
    is_ready: AtomicFlag,
    value: Opaque<T>,
}

// SAFETY: As said above: one makes the value, and gives it away, all others share it.
unsafe impl<T: Send + Sync> Sync for PinnedOnce<T> {}

impl<T> PinnedOnce<T> {
    /// Nothing is there.
    pub const fn new() -> Self {
        Self {
            is_claimed: AtomicFlag::new(false),
            is_ready: AtomicFlag::new(false),
            value: Opaque::uninit(),
        }
    }

    /// Makes the value. Returns whether this was the call that did.
    pub fn init(&'static self, init: impl PinInit<T, Infallible>) -> bool {
        // MODEL: none, because only who is first goes on.
        if self.is_claimed.xchg(true, Relaxed) {
            return false;
        }
        // SAFETY: By the type invariant nobody else has the place, and what is static stays.
        let Ok(()) = unsafe { init.__init(self.value.get()) };

        // INVARIANT: Made just above.
        // MODEL: pinned-once
        self.is_ready.store(true, Release);
        true
    }

    /// The value, once it is made.
    #[inline]
    pub fn get(&'static self) -> Option<&'static T> {
        // MODEL: pinned-once
        self.is_ready.load(Acquire).then(|| {
            // SAFETY: By the type invariant it is there, and nobody changes that.
            unsafe { &*self.value.get() }
        })
    }
}

impl<T> Default for PinnedOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}
