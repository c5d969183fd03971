// SPDX-License-Identifier: GPL-2.0

//! Letting calls through until told otherwise.

use core::ptr::from_ref;
use kernel::{
    bindings,
    prelude::*,
    sync::{
        Completion,
        Refcount, //
    },
};

/// Something that many may be inside of at the same time, and that is closed once and for all.
///
/// # Invariants
///
/// `users` is one for the gate itself until it is closed, and one for each [`Passage`]. Whoever
/// takes it to zero completes `empty`, and nobody takes it away from zero.
#[pin_data]
pub(crate) struct Gate {
    users: Refcount,
    #[pin]
    empty: Completion,
}

/// Proof of being inside. Dropping it leaves.
pub(crate) struct Passage<'a>(&'a Gate);

impl Gate {
    /// An open gate.
    pub(crate) fn new() -> impl PinInit<Self> {
        // INVARIANT: The count is for the gate itself.
        pin_init!(Self {
            users: Refcount::new(1),
            empty <- Completion::new(),
        })
    }

    /// Goes inside, if the gate is open. Takes no lock.
    pub(crate) fn enter(&self) -> Option<Passage<'_>> {
        // SAFETY: `Refcount` is a transparent wrapper of the C type, and the pointer is valid.
        // INVARIANT: Zero stays zero; otherwise the new count is for the `Passage`.
        unsafe { bindings::refcount_inc_not_zero(from_ref(&self.users).cast_mut().cast()) }
            .then_some(Passage(self))
    }

    /// Lets nobody in any more, and waits until everybody is outside. To be called once; sleeps.
    pub(crate) fn close(&self) {
        self.leave();
        self.empty.wait_for_completion();
    }

    /// Gives up one count.
    fn leave(&self) {
        if self.users.dec_and_test() {
            self.empty.complete_all();
        }
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
