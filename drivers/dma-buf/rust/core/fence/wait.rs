// SPDX-License-Identifier: GPL-2.0

//! Waiting for fences.
//!
//! Timeouts are in jiffies. A wait gives what is left of its timeout, at least one; zero if the
//! time is over; or fails with `ERESTARTSYS` if it is interruptible and a signal arrives.

use super::{
    add_callback,
    annotation,
    enable_signaling,
    has,
    lock,
    ops,
    remove_callback,
    trace,
    Flag, //
};
use kernel::{
    bindings,
    container_of,
    dma_buf::Fence,
    prelude::*,
    sync::rcu,
    task::{
        might_sleep,
        Task, //
    },
    types::Opaque,
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

    fn state(self) -> c_uint {
        if self.interruptible {
            bindings::TASK_INTERRUPTIBLE
        } else {
            bindings::TASK_UNINTERRUPTIBLE
        }
    }

    fn is_interrupted(self) -> bool {
        // SAFETY: The current task is valid.
        self.interruptible && unsafe { bindings::signal_pending(Task::current_raw()) != 0 }
    }

    /// Sleeps, in a state that has been set, for `left`. Gives what is left then.
    fn schedule(self, left: c_long) -> c_long {
        // SAFETY: May be called where sleeping is allowed.
        unsafe { bindings::schedule_timeout(left) }
    }
}

/// A task that a fence wakes up.
///
/// # Invariants
///
/// `task` stays valid for as long as the callback may be called.
struct Sleeper {
    cb: Opaque<bindings::dma_fence_cb>,
    task: *mut bindings::task_struct,
}

impl Sleeper {
    /// For the current task, which must take the callback off before it goes away.
    fn current() -> Self {
        Self {
            cb: Opaque::new(bindings::dma_fence_cb {
                func: Some(Self::wake),
                ..Default::default()
            }),
            task: Task::current_raw(),
        }
    }

    /// # Safety
    ///
    /// Called by a fence with the callback of a `Sleeper`.
    unsafe extern "C" fn wake(_fence: *mut bindings::dma_fence, cb: *mut bindings::dma_fence_cb) {
        // SAFETY: By the caller's guarantee and the type invariant.
        unsafe {
            let sleeper = container_of!(cb.cast::<Opaque<bindings::dma_fence_cb>>(), Self, cb);
            bindings::wake_up_process((*sleeper).task);
        }
    }
}

/// Waits for `fence`, in the issuer's own way if it has one. Sleeps, even if `timeout` is zero.
pub(crate) fn timeout(fence: &Fence, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    if warn_on!(timeout < 0) {
        return Err(EINVAL);
    }

    might_sleep();
    annotation::might_wait();
    enable_signaling(fence);

    let wait = {
        let rcu = rcu::read_lock();

        trace::wait_start(fence, &rcu);
        ops(fence, &rcu).and_then(|ops| ops.wait)
    };
    let result = match wait {
        // SAFETY: The operation is the fence's own. An issuer that has it outlives its fences.
        Some(wait) => match unsafe { wait(fence.as_raw(), sleep.interruptible, timeout) } {
            error if error < 0 => Err(Error::from_errno(error as c_int)),
            left => Ok(left),
        },
        None => default(fence, sleep, timeout),
    };

    trace::wait_end(fence, &rcu::read_lock());
    result
}

/// Waits for `fence` to be signalled; does not ask the issuer to signal it.
pub(crate) fn default(fence: &Fence, sleep: Sleep, timeout: c_long) -> Result<c_long> {
    let mut guard = lock(fence);

    if has(fence, Flag::Signaled) {
        return Ok(timeout.max(1));
    }
    if sleep.is_interrupted() {
        return Err(ERESTARTSYS);
    }
    if timeout == 0 {
        return Ok(0);
    }

    let sleeper = Sleeper::current();
    // SAFETY: Only an address is computed.
    let node = unsafe { &raw mut (*sleeper.cb.get()).node };
    // SAFETY: The callbacks are ours under the lock. The node is taken off below.
    unsafe { bindings::list_add(node, guard.callbacks()) };

    let mut result = Ok(timeout);
    while let Ok(left @ 1..) = result {
        if has(fence, Flag::Signaled) {
            break;
        }
        // The signal comes under the lock, so that it cannot get between this and the sleep.
        // SAFETY: A valid state.
        unsafe { bindings::__set_current_state(sleep.state()) };
        drop(guard);

        let left = sleep.schedule(left);

        guard = lock(fence);
        result = if left > 0 && sleep.is_interrupted() {
            Err(ERESTARTSYS)
        } else {
            Ok(left)
        };
    }

    // SAFETY: The node is initialised, and under the lock it is either on the list or alone.
    unsafe {
        bindings::list_del_init(node);
        bindings::__set_current_state(bindings::TASK_RUNNING);
    }
    match result {
        // A task that is woken, but gets to run when its time is over, has not waited in vain.
        Ok(0) if has(fence, Flag::Signaled) => Ok(1),
        result => result,
    }
}

/// The sleepers of one task that waits for several fences.
///
/// # Invariants
///
/// Sleeper `i` was given to fence `i`. None of them moves.
struct Sleepers<'a> {
    fences: &'a [&'a Fence],
    sleepers: KVec<Sleeper>,
}

impl<'a> Sleepers<'a> {
    fn new(fences: &'a [&'a Fence]) -> Result<Self> {
        Ok(Self {
            fences,
            sleepers: KVec::with_capacity(fences.len(), GFP_KERNEL)?,
        })
    }

    /// Waits for each of the fences. Gives the first that is signalled already.
    fn register(&mut self) -> Result<Option<usize>> {
        for (i, fence) in self.fences.iter().enumerate() {
            // INVARIANT: The capacity is there, so that nothing moves.
            self.sleepers.push_within_capacity(Sleeper::current())?;

            let Some(sleeper) = self.sleepers.last() else {
                return Err(EINVAL);
            };
            // SAFETY: The sleeper stays where it is until `drop` has taken it off.
            if unsafe { add_callback(fence, sleeper.cb.get(), Some(Sleeper::wake)) }.is_err() {
                // There is nothing to take off, and the fence's lock may be gone by now.
                self.sleepers.pop();
                return Ok(Some(i));
            }
        }
        Ok(None)
    }
}

impl Drop for Sleepers<'_> {
    fn drop(&mut self) {
        for (sleeper, fence) in self.sleepers.iter().zip(self.fences) {
            // SAFETY: By the type invariant.
            unsafe { remove_callback(fence, sleeper.cb.get()) };
        }
    }
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

    let mut sleepers = Sleepers::new(fences)?;
    if let first @ Some(_) = sleepers.register()? {
        return Ok((timeout, first));
    }

    let mut result = Ok((timeout, None));
    while let Ok((left, None)) = result {
        // SAFETY: A valid state. The barrier in it orders it before the look at the fences.
        unsafe { bindings::set_current_state(sleep.state()) };

        if let first @ Some(_) = fences.iter().position(|fence| has(fence, Flag::Signaled)) {
            result = Ok((left.max(1), first));
            break;
        }
        if left == 0 {
            break;
        }

        let left = sleep.schedule(left);
        result = if left > 0 && sleep.is_interrupted() {
            Err(ERESTARTSYS)
        } else {
            Ok((left, None))
        };
    }

    // SAFETY: A valid state.
    unsafe { bindings::__set_current_state(bindings::TASK_RUNNING) };
    result
}
