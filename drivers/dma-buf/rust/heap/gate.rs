// SPDX-License-Identifier: GPL-2.0

//! Letting calls through until told otherwise.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full, //
        },
        Completion, //
    },
};

/// Something that many may be inside of at the same time, and that is closed once and for all.
///
/// # Invariants
///
/// `users` is at least the number of [`Passage`]s, which is less than [`CLOSED`] since each is a
/// task's, plus [`CLOSED`] from [`Gate::close`] on. Whoever takes it down to [`CLOSED`] completes
/// `empty`, and nobody else does.
#[pin_data]
pub(crate) struct Gate {
    users: Atomic<u32>,
    #[pin]
    empty: Completion,
}

const CLOSED: u32 = 1 << 31;

/// Proof of being inside. Dropping it leaves.
pub(crate) struct Passage<'a>(&'a Gate);

impl Gate {
    /// An open gate.
    pub(crate) fn new() -> impl PinInit<Self> {
        // INVARIANT: Nobody is inside.
        pin_init!(Self {
            users: Atomic::new(0),
            empty <- Completion::new(),
        })
    }

    /// Goes inside, if the gate is open. Takes no lock.
    pub(crate) fn enter(&self) -> Option<Passage<'_>> {
        // INVARIANT: Whoever finds the gate closed leaves at once.
        // MODEL: heap-gate, heap-turns
        let before = self.users.fetch_add(1, Acquire);
        let passage = Passage(self);

        (before & CLOSED == 0).then_some(passage)
    }

    /// Lets nobody in any more. To be called once.
    pub(crate) fn close(&self) {
        // MODEL: heap-gate, heap-turns
        if self.users.fetch_add(CLOSED, Full) == 0 {
            self.empty.complete_all();
        }
    }

    /// Waits until a closed gate has nobody inside. Sleeps.
    pub(crate) fn wait_until_empty(&self) {
        self.empty.wait_for_completion();
    }
}

impl Drop for Passage<'_> {
    #[inline]
    fn drop(&mut self) {
        // What was done inside is done when the last one is seen to have left.
        // MODEL: heap-gate, heap-turns
        if self.0.users.fetch_sub(1, Full) == CLOSED + 1 {
            self.0.empty.complete_all();
        }
    }
}
