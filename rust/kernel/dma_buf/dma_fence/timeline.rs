// SPDX-License-Identifier: GPL-2.0

//! The order of the fences of a context.
//!
//! A later fence of a context stands for those before it: it takes their place in reservation
//! objects and in what is merged. So it must not be signalled before they are. Whoever is done out
//! of turn leaves the outcome here, and whoever was in the way signals for both. Nobody may have
//! asked for that one, whose driver may need to be asked: those who would have wait for a later
//! one. So it is asked as soon as it is in the way.
//!
//! # Locking
//!
//! Whoever ends the work of a fence while another one is signalling leaves it to that one, who may
//! be a task that is not running: what is urgent has a context of its own.
//!
//! The lock of a timeline is the innermost: it is taken where a fence's lock is held, and nothing
//! is signalled under it. That only one signals at a time keeps the order.

use super::{
    abi,
    head::Issued,
    lock::Locked,
    section::SignallingSection, //
};
use crate::{
    bindings,
    interop::module_ref::ModuleRef,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode,
        RBTreeNodeReservation, //
    },
    static_lock_class,
    sync::{
        LockClassKey,
        SpinLockIrq, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};
use core::mem;

/// How some work has ended, and when.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    pub(super) result: Result,
    pub(super) timestamp: Instant<Monotonic>,
}

impl Outcome {
    /// It has ended now.
    #[inline]
    pub(super) fn now(result: Result) -> Self {
        Self {
            result,
            timestamp: Instant::now(),
        }
    }
}

/// A fence whose turn has not come.
pub(super) struct Pending {
    fence: Issued,
    // Its operations are there until it is signalled.
    _module: ModuleRef,
    outcome: Option<Outcome>,
    /// Whether its driver knows that somebody waits, since it was found to be in the way.
    asked: bool,
}

impl Pending {
    #[inline]
    pub(super) fn new(fence: Issued, module: ModuleRef) -> Self {
        Self {
            fence,
            _module: module,
            outcome: None,
            asked: false,
        }
    }
}

/// The memory for the place of a fence in its timeline.
pub(super) type Place = RBTreeNodeReservation<u64, Pending>;

/// The largest number that can be asked for. After it come more than anybody can use up, so that no
/// number comes twice: it is what a pending fence is found by.
const MAX_ASKED_FOR: u64 = u64::MAX / 2;

struct State {
    next_seqno: u64,
    /// In the order of their numbers.
    pending: RBTree<u64, Pending>,
    /// How many of them have an outcome.
    ended: usize,
    /// Whether somebody is signalling fences, who will look again afterwards.
    signalling: bool,
}

impl State {
    /// Takes out the first fence, if its work has ended.
    #[inline]
    fn take_first(&mut self) -> Option<(RBTreeNode<u64, Pending>, Outcome)> {
        let first = self.pending.cursor_front_mut()?;
        let outcome = first.current().1.outcome?;

        self.ended -= 1;
        Some((first.remove_current().1, outcome))
    }

    /// The first fence, if another has to wait for it and its driver has not been asked.
    #[inline]
    fn take_unasked(&mut self) -> Option<Issued> {
        if self.ended == 0 {
            return None;
        }
        let mut first = self.pending.cursor_front_mut()?;
        let pending = first.current_mut().1;

        (pending.outcome.is_none() && !mem::replace(&mut pending.asked, true))
            .then(|| pending.fence.clone())
    }

    /// Returns whether that was not known.
    #[inline]
    fn end(&mut self, seqno: u64, outcome: Outcome) -> bool {
        match self.pending.get_mut(&seqno) {
            Some(pending) if pending.outcome.is_none() => {
                pending.outcome = Some(outcome);
                self.ended += 1;
                true
            }
            _ => false,
        }
    }
}

/// The fences of a context, and its number.
#[pin_data]
pub(super) struct Timeline {
    id: u64,
    #[pin]
    state: SpinLockIrq<State>,
}

impl Timeline {
    /// Fails with `EINVAL` if the number is too large.
    #[inline]
    pub(super) fn new(initial_seqno: u64) -> Result<impl PinInit<Self>> {
        if initial_seqno > MAX_ASKED_FOR {
            return Err(EINVAL);
        }
        let state = State {
            next_seqno: initial_seqno,
            pending: RBTree::new(),
            ended: 0,
            signalling: false,
        };

        let (name, class) = lock_class();

        Ok(pin_init!(Self {
            id: abi::dma_fence_context_alloc(1),
            state <- SpinLockIrq::new(state, name, class),
        }))
    }

    #[inline]
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Gives a number to a fence, which `make` makes, and a place, as long as it is kept loaded by
    /// `module`. `make` must do nothing else: the lock is held. Gives the place back if the number
    /// is chosen already, and not later than all others, or too large.
    #[inline]
    pub(super) fn append(
        &self,
        place: Place,
        module: Option<ModuleRef>,
        chosen: Option<u64>,
        make: impl FnOnce(u64) -> Issued,
    ) -> Result<Issued, Place> {
        let mut state = self.state.lock();
        let seqno = chosen.unwrap_or(state.next_seqno);

        if chosen.is_some_and(|seqno| seqno < state.next_seqno || seqno > MAX_ASKED_FOR) {
            drop(state);
            return Err(place);
        }
        let fence = make(seqno);

        // Nobody comes that far.
        state.next_seqno = seqno.saturating_add(1);
        if let Some(module) = module {
            let pending = Pending::new(fence.clone(), module);
            state.pending.insert(place.into_node(seqno, pending));
        }
        Ok(fence)
    }

    /// The work of one fence has ended, unless it had before. Signals what can be signalled.
    /// Returns whether that was not known. No fence's lock may be held.
    #[inline]
    pub(super) fn end(&self, seqno: u64, outcome: Outcome) -> bool {
        self.advance(|state| state.end(seqno, outcome))
    }

    /// The work of all fences up to a number has ended. No fence's lock may be held.
    #[inline]
    pub(super) fn end_through(&self, seqno: u64, outcome: Outcome) {
        self.advance(|state| {
            let State { pending, ended, .. } = state;
            let mut next = pending.cursor_front_mut();

            while let Some(mut cursor) = next {
                let (&number, pending) = cursor.current_mut();

                if number > seqno {
                    break;
                }
                if pending.outcome.is_none() {
                    pending.outcome = Some(outcome);
                    *ended += 1;
                }
                next = cursor.move_next();
            }
        });
    }

    /// The work of one fence has ended, as is found out with the fence's lock held. Returns whether
    /// it is the turn of that fence, which the caller signals then.
    #[inline]
    pub(super) fn end_locked(&self, seqno: u64, outcome: Outcome) -> bool {
        let mut state = self.state.lock();

        state.end(seqno, outcome);
        let first = state.pending.cursor_front();
        !state.signalling && first.is_some_and(|first| *first.current().0 == seqno)
    }

    #[inline]
    fn advance<R>(&self, end: impl FnOnce(&mut State) -> R) -> R {
        // MODEL: driver-turn
        let mut state = self.state.lock();
        let result = end(&mut state);

        // Who is called back from here may come here again.
        if mem::replace(&mut state.signalling, true) {
            return result;
        }
        loop {
            if let Some((node, outcome)) = state.take_first() {
                drop(state);
                signal(&node.to_key_value().1.fence, outcome);
            } else if let Some(fence) = state.take_unasked() {
                drop(state);
                // If its work is done already, the outcome is here afterwards.
                fence.enable_signaling();
            } else {
                break;
            }
            state = self.state.lock();
        }
        state.signalling = false;
        result
    }
}

/// One for all timelines, which is in the kernel and not in a driver. So is the name: lockdep wants
/// a class to have the same string, and a driver would have one of its own.
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"dma_buf::Timeline", static_lock_class!())
}

/// Signals a fence, unless it is.
#[inline]
pub(super) fn signal(fence: &Issued, outcome: Outcome) {
    fence.head().inside.assert_outside();

    let _section = SignallingSection::begin();
    let _locked = Locked::new(fence);

    if fence.test_signaled_flag() {
        return;
    }
    // SAFETY: The lock is held, and the fence is not signalled.
    unsafe {
        if let Err(error) = outcome.result {
            // MODEL: fence-error
            (*fence.as_raw()).error = error.to_errno();
        }
        bindings::dma_fence_signal_timestamp_locked(fence.as_raw(), outcome.timestamp.as_nanos());
    }
}
