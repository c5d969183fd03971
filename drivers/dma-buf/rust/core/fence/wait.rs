// SPDX-License-Identifier: GPL-2.0

//! Waiting for fences.
//!
//! Timeouts are in jiffies. A wait gives what is left of its timeout, at least one; zero if the
//! time is over; or fails with `ERESTARTSYS` if it is interruptible and a signal arrives.

use super::{
    abi::task::{
        __set_current_state,
        schedule_timeout,
        set_current_state,
        State, //
    },
    annotation,
    flag::Flag,
    hooks::{
        with_callback,
        with_hooks, //
    },
    layout::{
        callback::OnSignal,
        lock::{
            lock,
            Guard, //
        }, //
    },
    state::has,
    trace, //
};
use crate::errno::to_number;
use kernel::{
    dma_buf::Fence,
    interop::export::IntoC,
    prelude::*,
    task::{
        might_sleep,
        Task, //
    },
    warn_on, //
};

/// How a task sleeps.
#[derive(Clone, Copy)]
pub(crate) struct Sleep {
    interruptible: bool,
}

impl Sleep {
    pub(crate) fn new(interruptible: bool) -> Self {
        Self { interruptible }
    }

    fn state(self) -> State {
        if self.interruptible {
            State::Interruptible
        } else {
            State::Uninterruptible
        }
    }

    fn is_interrupted(self) -> bool {
        self.interruptible && current!().signal_pending()
    }
}

/// A task that a fence wakes up.
struct Sleeper<'a>(&'a Task);

impl OnSignal for Sleeper<'_> {
    #[inline]
    fn signaled(self, _fence: &Fence) {
        self.0.wake_up();
    }
}

/// Waits for `fence`, in the issuer's own way if it has one. Sleeps, even if `timeout` is zero.
#[inline(always)]
pub(crate) fn timeout(fence: &Fence, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    to_number(timeout_or_errno(fence, sleep, timeout))
}

/// As [`timeout`], with a number for an error, as registers have it.
pub(super) fn timeout_or_errno(fence: &Fence, sleep: Sleep, timeout: c_long) -> c_long {
    wait_as_issuer_likes(fence, sleep, timeout).into_c()
}

#[inline(always)]
fn wait_as_issuer_likes(fence: &Fence, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    if warn_on!(timeout < 0) {
        return Err(EINVAL);
    }

    might_sleep();
    annotation::might_wait();

    // Taken even if the fence is signalled: who comes back from a wait may free an external lock.
    let mut guard = lock(fence);

    guard.enable_signaling();
    if trace::wait_is_listened_to() {
        // Who listens must not hold up those who signal.
        drop(guard);
        trace::wait_start(fence);
        guard = lock(fence);
    }

    let result = match guard.own_wait() {
        Some(wait) => {
            drop(guard);
            to_number(wait(sleep.interruptible, timeout))
        }
        None => until_signaled(guard, sleep, timeout),
    };

    trace::wait_end(fence);
    result
}

/// Waits for `fence` to be signalled; does not ask the issuer to signal it.
#[inline(always)]
pub(crate) fn default(fence: &Fence, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    until_signaled(lock(fence), sleep, timeout)
}

#[inline(always)]
fn until_signaled(guard: Guard<'_>, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    // MODEL: none, because the lock is held.
    if has(guard.fence(), Flag::Signaled) {
        return Ok(timeout.max(1));
    }
    if sleep.is_interrupted() {
        return Err(ERESTARTSYS);
    }
    if timeout == 0 {
        return Ok(0);
    }
    to_number(until_woken(guard, sleep, timeout))
}

/// Waits for a fence that is pending. A number for an error.
#[inline(never)]
fn until_woken(guard: Guard<'_>, sleep: Sleep, timeout: c_long) -> c_long {
    sleep_until_woken(guard, sleep, timeout).into_c()
}

#[inline(always)]
fn sleep_until_woken(guard: Guard<'_>, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    let fence = guard.fence();
    let result = with_callback(
        guard,
        Sleeper(current!()),
        |mut armed| {
            let mut result = Ok(timeout);

            while let Ok(left @ 1..) = result {
                // MODEL: fence-wait
                if has(fence, Flag::Signaled) {
                    break;
                }
                // The signal comes under the lock, so that it cannot get between this and the
                // sleep.
                __set_current_state(sleep.state());

                let (left, again) = armed.unlocked(|| schedule_timeout(left));

                armed = again;
                result = if left > 0 && sleep.is_interrupted() {
                    Err(ERESTARTSYS)
                } else {
                    Ok(left)
                };
            }
            (result, armed)
        },
        |result| {
            // MODEL: none, because the lock is held, and the state is the task's own.
            __set_current_state(State::Running);
            match result {
                // A task that is woken, but gets to run when its time is over, has not waited in
                // vain.
                // MODEL: fence-wait-late
                Ok(0) if has(fence, Flag::Signaled) => Ok(1),
                result => result,
            }
        },
    );

    // Without a callback it is signalled.
    result.unwrap_or(Ok(timeout.max(1)))
}

/// Waits for the first of `fences`. Also gives its index, if there is one. Sleeps if `timeout` is
/// not zero. Fails with `ENOMEM` as well.
pub(crate) fn any(
    fences: &[&Fence],
    sleep: Sleep,
    timeout: c_long,
) -> Result<(c_long, Option<usize>)> {
    if timeout == 0 {
        let first = fences.iter().position(|fence| fence.is_done());
        return Ok((first.is_some().into(), first));
    }

    let current = current!();

    with_hooks(
        fences,
        || Sleeper(current),
        |signaled| match signaled {
            Some(_) => Ok((timeout, signaled)),
            None => sleep_until_any(fences, sleep, timeout),
        },
    )?
}

/// As [`any`], for a task that each of them wakes.
#[inline(always)]
fn sleep_until_any(
    fences: &[&Fence],
    sleep: Sleep,
    timeout: c_long,
) -> Result<(c_long, Option<usize>)> {
    let mut result = Ok((timeout, None));
    while let Ok((left, None)) = result {
        // The barrier in it orders it before the look at the fences.
        // MODEL: fence-wait-any
        set_current_state(sleep.state());

        // MODEL: fence-done, fence-wait-any, fence-wait-late
        if let first @ Some(_) = fences.iter().position(|fence| fence.test_signaled_flag()) {
            result = Ok((left.max(1), first));
            break;
        }
        if left == 0 {
            break;
        }

        let left = schedule_timeout(left);
        result = if left > 0 && sleep.is_interrupted() {
            Err(ERESTARTSYS)
        } else {
            Ok((left, None))
        };
    }

    // MODEL: none, because the state is the task's own.
    __set_current_state(State::Running);
    result
}
