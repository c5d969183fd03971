// SPDX-License-Identifier: GPL-2.0

//! Waiting for a buffer's implicit fences with `poll()`.
//!
//! `EPOLLIN` is ready when nothing writes to the buffer any more, `EPOLLOUT` when nothing reads it
//! either.
//!
//! A buffer has one callback for each event. It is armed on one of the fences that are pending;
//! when that is signalled, whoever waits polls again and, if need be, arms it on the next one.
//! While it is armed it owns a reference to the file, so that the buffer cannot go from under it,
//! and `active` says so: set from zero by the poller that arms it, which holds the reservation
//! object, and back to zero by the callback, in any context.

use super::{
    event::Event,
    layout::body::{
        body,
        poll_wait,
        Claim, //
    }, //
};
use kernel::{
    dma_buf::{
        DmaBuf,
        ResvGuard,
        Usage, //
    },
    sync::poll::PollTable, //
};

/// Implements `poll()`. Sleeps for the reservation object.
#[inline(always)]
pub(super) fn poll(buf: &DmaBuf, table: PollTable<'_>) -> u32 {
    let wanted = poll_wait(buf, table) & (Event::In.bit() | Event::Out.bit());
    if wanted == 0 {
        return 0;
    }

    buf.resv().with_lock(|guard| {
        let mut ready = 0;

        for event in [Event::Out, Event::In] {
            if wanted & event.bit() == 0 {
                continue;
            }
            if !body(buf).slot(event).is_armed() && !arm(buf, guard, event) {
                ready |= event.bit();
            }
        }
        ready
    })
}

/// Makes sure that waiters are woken when `event` may have become ready. Returns `false` if it is
/// ready now.
#[inline(never)]
fn arm(buf: &DmaBuf, guard: &mut ResvGuard<'_>, event: Event) -> bool {
    // Mostly there is none.
    let usage = Usage::before_access(event == Event::Out);
    let mut fences = guard.fences(usage).peekable();
    if fences.peek().is_none() {
        return false;
    }

    // Who looks first holds the lock, so that nobody comes in between. That no wake-up is lost
    // relies on it; that a callback is used once does not.
    let Some(mut claim) = Claim::new(buf, event) else {
        return true;
    };
    for pending in fences {
        claim = match claim.arm(pending.into()) {
            Ok(()) => return true,
            Err(back) => back,
        };
    }
    // Nothing is pending.
    false
}
