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

use super::layout::body::{
    body,
    poll_wait,
    Slot, //
};
use crate::fence::{
    self,
    Lent, //
};
use core::ptr::NonNull;
use kernel::{
    bindings::{
        self,
        EPOLLIN,
        EPOLLOUT, //
    },
    dma_buf::{
        DmaBuf,
        Fence,
        ResvGuard,
        Usage, //
    },
    fs::File,
    interop::export::FromC,
    sync::{
        aref::ARef,
        atomic::{
            Full,
            Relaxed,
            Release, //
        },
        poll::PollTable, //
    }, //
};

/// Implements `poll()`. Sleeps for the reservation object.
#[inline(always)]
pub(super) fn poll(buf: &DmaBuf, table: PollTable<'_>) -> u32 {
    let wanted = poll_wait(buf, table) & (EPOLLIN | EPOLLOUT);
    if wanted == 0 {
        return 0;
    }

    let mut guard = buf.resv().lock();
    let mut ready = 0;

    for event in [EPOLLOUT, EPOLLIN] {
        if wanted & event == 0 {
            continue;
        }
        // MODEL: poll-wake
        let is_armed = body(buf).slot(event).active.load(Relaxed) != 0;
        if !is_armed && !arm(buf, &mut guard, event) {
            ready |= event;
        }
    }
    ready
}

/// Makes sure that waiters are woken when `event` may have become ready. Returns `false` if it is
/// ready now.
#[inline(never)]
fn arm(buf: &DmaBuf, guard: &mut ResvGuard<'_>, event: u32) -> bool {
    let slot = body(buf).slot(event);

    // Mostly there is none.
    let usage = Usage::before_access(event == EPOLLOUT);
    let mut fences = guard.fences(usage).peekable();
    if fences.peek().is_none() {
        return false;
    }

    // MODEL: poll-rearm, poll-slot, poll-slot-idle, poll-turns, poll-wake
    if slot.active.cmpxchg(0, event, Full).is_err() {
        return true;
    }

    // These two references belong to the callback once it is armed.
    let file = ARef::<File>::from(buf.file());
    for pending in fences {
        let pending = ARef::from(pending);

        // SAFETY: `active` was zero, so that no fence has the callback now, and we are the one that
        // has set it. The callback finds what it needs until it has run.
        let callback = unsafe { Lent::from_c(slot.cb.get()) };
        if fence::add_callback(&pending, callback, fence_signaled).is_ok() {
            core::mem::forget((pending, file));
            return true;
        }
    }

    // Nothing is pending. Nobody has seen `active` set: that needs the reservation object.
    // MODEL: poll-slot-idle
    slot.active.store(0, Release);
    false
}

/// Called when a fence that the callback was armed on is signalled, in any context.
///
/// # Safety
///
/// Called by the fence with a callback that [`arm`] armed.
unsafe extern "C" fn fence_signaled(
    fence: *mut bindings::dma_fence,
    cb: *mut bindings::dma_fence_cb,
) {
    // SAFETY: `arm` left us two references: the fence, and the file of the buffer that the slot is
    // part of, which keeps that.
    let (slot, buf, _file, _fence) = unsafe {
        let (slot, buf) = Slot::of(cb);
        let file = ARef::<File>::from_raw(NonNull::from(buf.file()));

        (slot, buf, file, Fence::from_owned(fence))
    };

    // From here on another poller may arm the callback again.
    // MODEL: poll-rearm, poll-release, poll-slot, poll-turns, poll-wake
    let events = slot.active.xchg(0, Full);

    // What is ready is so for everybody.
    body(buf).pollers().wake(events);
}
