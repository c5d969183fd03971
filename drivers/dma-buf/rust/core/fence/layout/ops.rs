// SPDX-License-Identifier: GPL-2.0

//! What a fence's issuer does, `struct dma_fence_ops`.

use super::{
    fence::{
        fields,
        Dying,
        Time, //
    },
    lock::Locked, //
};
use core::ptr;
use kernel::{
    bindings::{
        dma_fence,
        dma_fence_ops, //
    },
    dma_buf::Fence,
    interop::export::Wrapper,
    prelude::*,
    sync::{
        atomic::Acquire,
        rcu, //
    }, //
};

type Operation<R> = unsafe extern "C" fn(*mut dma_fence) -> R;

/// The operations of a fence that is attached to its issuer.
///
/// # Invariants
///
/// `table` is that of `fence`. RCU keeps it, and what it needs.
#[derive(Clone, Copy)]
pub(crate) struct Operations<'a> {
    fence: &'a Fence,
    table: &'a dma_fence_ops,
}

/// The issuer's operations; `None` if the fence has been detached from them.
#[inline(always)]
pub(crate) fn ops<'a>(fence: &'a Fence, _rcu: &'a rcu::Guard) -> Option<Operations<'a>> {
    // MODEL: fence-ops
    // INVARIANT: Tables go away only an RCU grace period after they were detached.
    // SAFETY: The same.
    unsafe { fields(fence).ops.load(Acquire).as_ref() }.map(|table| Operations { fence, table })
}

impl Operations<'_> {
    /// Calls an operation that the fence is all that it needs for.
    #[inline(always)]
    fn call<R>(&self, pick: impl FnOnce(&dma_fence_ops) -> Option<Operation<R>>) -> Option<R> {
        // SAFETY: By the type invariant the operation is the fence's own.
        pick(self.table).map(|operation| unsafe { operation(self.fence.as_c()) })
    }

    /// Something that RCU keeps.
    #[inline(always)]
    pub(crate) fn driver_name(&self) -> Option<*const c_char> {
        self.call(|ops| ops.get_driver_name)
    }

    /// Something that RCU keeps.
    #[inline(always)]
    pub(crate) fn timeline_name(&self) -> Option<*const c_char> {
        self.call(|ops| ops.get_timeline_name)
    }

    /// Whether the fence should be signalled.
    #[inline(always)]
    pub(crate) fn is_signaled(&self) -> bool {
        self.call(|ops| ops.signaled).unwrap_or(false)
    }

    /// Asks for the fence to be signalled, after `first`. Returns whether it will be. The lock is
    /// that of the fence.
    #[inline(always)]
    pub(crate) fn enable_signaling(&self, _locked: &Locked<'_>, first: impl FnOnce()) -> bool {
        self.call(|ops| ops.enable_signaling.inspect(|_| first()))
            .unwrap_or(true)
    }

    #[inline(always)]
    pub(crate) fn hears_deadlines(&self) -> bool {
        self.table.set_deadline.is_some()
    }

    #[inline(always)]
    pub(crate) fn set_deadline(&self, deadline: Time) {
        if let Some(set_deadline) = self.table.set_deadline {
            // SAFETY: By the type invariant the operation is the fence's own.
            unsafe { set_deadline(self.fence.as_c(), deadline) };
        }
    }

    /// Whether they are those in `table`.
    #[inline(always)]
    pub(crate) fn is(&self, table: *const dma_fence_ops) -> bool {
        ptr::eq(self.table, table)
    }
}

/// The issuer's own way to wait, which is interruptible or not, for so many jiffies.
#[inline(always)]
pub(crate) fn wait<'a>(
    fence: &'a Fence,
    rcu: &rcu::Guard,
) -> Option<impl FnOnce(bool, c_long) -> c_long + use<'a>> {
    let wait = ops(fence, rcu)?.table.wait?;

    // SAFETY: The operation is the fence's own. An issuer that has it outlives its fences.
    Some(move |interruptible, timeout| unsafe { wait(fence.as_c(), interruptible, timeout) })
}

/// Releases a fence in the issuer's own way; gives it back if there is none. Holds RCU for as long,
/// but not with the operations `stays`, which never go away.
#[inline(always)]
pub(crate) fn release(
    dying: Dying,
    rcu: rcu::Guard,
    stays: *const dma_fence_ops,
) -> Result<(), Dying> {
    let ops = ops(dying.fence(), &rcu);
    let release = ops.and_then(|ops| ops.table.release);

    if ops.is_some_and(|ops| ops.is(stays)) {
        rcu.unlock();
    }
    let Some(release) = release else {
        return Err(dying);
    };

    // SAFETY: The operation is the fence's own and takes it over. An issuer that has it outlives
    // its fences.
    unsafe { release(dying.fence().as_c()) };
    Ok(())
}
