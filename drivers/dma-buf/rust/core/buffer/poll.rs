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

use crate::fence;
use core::ptr::NonNull;
use kernel::{
    bindings,
    bindings::{
        dma_buf_dma_buf_poll_cb_t as Slot,
        EPOLLIN,
        EPOLLOUT, //
    },
    container_of,
    dma_buf::{
        DmaBuf,
        Fence,
        ResvGuard,
        Usage, //
    },
    fs::File,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Full, //
        }, //
    }, //
};

/// Implements `poll()`. Sleeps for the reservation object.
///
/// # Safety
///
/// `table` must be NULL or valid.
pub(crate) unsafe fn poll(
    buf: &DmaBuf,
    file: &File,
    table: *mut bindings::poll_table,
) -> bindings::__poll_t {
    // SAFETY: The queue lives as long as the buffer, whose file this is. The table is valid by the
    // caller's guarantee.
    let key = unsafe {
        bindings::poll_wait(file.as_ptr(), &raw mut (*buf.as_raw()).poll, table);
        table.as_ref().map_or(!0, |table| table._key)
    };

    let wanted = key & (EPOLLIN | EPOLLOUT);
    if wanted == 0 {
        return 0;
    }

    let mut guard = buf.resv().lock();

    [EPOLLOUT, EPOLLIN]
        .into_iter()
        .filter(|&event| wanted & event != 0 && !arm(buf, &mut guard, event))
        .fold(0, |events, event| events | event)
}

/// Makes sure that waiters are woken when `event` may have become ready. Returns `false` if it is
/// ready now.
fn arm(buf: &DmaBuf, guard: &mut ResvGuard<'_>, event: bindings::__poll_t) -> bool {
    // SAFETY: Only addresses are computed.
    let slot = unsafe {
        match event {
            EPOLLOUT => &raw mut (*buf.as_raw()).cb_out,
            _ => &raw mut (*buf.as_raw()).cb_in,
        }
    };

    // SAFETY: `active` is accessed atomically only, and lives as long as the buffer.
    let active = unsafe { Atomic::from_ptr(&raw mut (*slot).active) };
    if active.cmpxchg(0, event, Full).is_err() {
        return true;
    }

    // These two references belong to the callback once it is armed.
    let file = ARef::<File>::from(buf.file());
    for pending in guard.fences(Usage::before_access(event == EPOLLOUT)) {
        let pending = ARef::from(pending);

        // SAFETY: `active` was zero, so that no fence has the callback now, and we are the one that
        // has set it. The callback finds what it needs until it has run.
        let added =
            unsafe { fence::add_callback(&pending, &raw mut (*slot).cb, Some(fence_signaled)) };
        if added.is_ok() {
            core::mem::forget((pending, file));
            return true;
        }
    }

    // Nothing is pending. Nobody has seen `active` set: that needs the reservation object.
    active.store(0, kernel::sync::atomic::Release);
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
    // SAFETY: The callback is part of a slot, which knows the buffer's queue; and the buffer lives
    // because we own a reference to its file.
    let (queue, buf, active) = unsafe {
        let slot = container_of!(cb, Slot, cb);
        let queue = (*slot).poll;
        (
            queue,
            DmaBuf::from_raw(container_of!(queue, bindings::dma_buf, poll)),
            Atomic::from_ptr(&raw mut (*slot).active),
        )
    };

    // SAFETY: `arm` left these two references for us.
    let (_file, _fence) = unsafe {
        (
            ARef::<File>::from_raw(NonNull::from(buf.file())),
            Fence::from_owned(fence),
        )
    };

    // From here on another poller may arm the callback again.
    let events = active.xchg(0, Full);

    // What is ready is so for everybody, which zero stands for.
    // SAFETY: The queue lives as long as the buffer. The key of a poll wake-up is its events.
    unsafe {
        bindings::__wake_up(
            queue,
            bindings::TASK_NORMAL,
            0,
            core::ptr::without_provenance_mut(events as usize),
        )
    };
}
