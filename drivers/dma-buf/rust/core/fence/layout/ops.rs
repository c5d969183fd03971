// SPDX-License-Identifier: GPL-2.0

//! What a fence's issuer does, `struct dma_fence_ops`.

use super::{
    dying::Dying,
    fence::{
        fields,
        Time, //
    },
    lock::Locked,
    name::Name, //
};
use crate::layout::table::{
    table,
    Arg, //
};
use core::ptr;
use kernel::{
    bindings::{
        dma_fence,
        dma_fence_ops, //
    },
    dma_buf::Fence,
    prelude::*,
    sync::{
        atomic::Relaxed,
        rcu, //
    }, //
};

type Operation<R> = extern "C" fn(Arg<'_, dma_fence>) -> R;

table! {
    /// What an issuer does.
    ///
    /// # Invariants
    ///
    /// Each function may be called as `struct dma_fence_ops` says, with a fence of this issuer. An
    /// issuer that has `wait` or `release` outlives its fences.
    struct Table: dma_fence_ops {
        fn get_driver_name(Arg<dma_fence>) -> *const c_char;
        fn get_timeline_name(Arg<dma_fence>) -> *const c_char;
        fn enable_signaling(Arg<dma_fence>) -> bool;
        fn signaled(Arg<dma_fence>) -> bool;
        fn wait(Arg<dma_fence>; bool, c_long) -> c_long;
        /// Takes over a fence without references.
        fn release(Arg<dma_fence>);
        fn set_deadline(Arg<dma_fence>; Time);
    }
}

/// The operations of a fence that is attached to its issuer.
///
/// # Invariants
///
/// `table` is that of `fence`. RCU keeps it, and what it needs, or the lock does.
#[derive(Clone, Copy)]
pub(crate) struct Operations<'a> {
    fence: &'a Fence,
    table: &'a Table,
}

/// A fence whose operations stay if they are there.
///
/// # Invariants
///
/// For `'a` RCU is held, or the lock of the fence, under which alone it is detached.
struct Steady<'a>(&'a Fence);

/// The issuer's operations; `None` if the fence has been detached from them.
#[inline(always)]
pub(crate) fn ops<'a>(fence: &'a Fence, _rcu: &'a rcu::Guard) -> Option<Operations<'a>> {
    // INVARIANT: RCU is held.
    Steady(fence).ops()
}

impl Locked<'_> {
    /// As [`ops`]. Some of them expect RCU to be held when they are called.
    #[inline(always)]
    pub(crate) fn ops(&self) -> Option<Operations<'_>> {
        // INVARIANT: Locked.
        Steady(self.fence()).ops()
    }
}

impl<'a> Steady<'a> {
    #[inline(always)]
    fn ops(self) -> Option<Operations<'a>> {
        let fence = self.0;

        // An address dependency orders what is read of the table.
        // MODEL: fence-ops
        let table: *const Table = fields(fence).ops.load(Relaxed).cast();

        // INVARIANT: Tables go away only an RCU grace period after they were detached.
        // SAFETY: The same.
        unsafe { table.as_ref() }.map(|table| Operations { fence, table })
    }
}

impl Operations<'_> {
    /// Calls an operation that the fence is all that it needs for.
    #[inline(always)]
    fn call<R>(&self, pick: impl FnOnce(&Table) -> Option<Operation<R>>) -> Option<R> {
        pick(self.table).map(|operation| operation(self.fence.into()))
    }

    #[inline(always)]
    pub(crate) fn driver_name<'a>(&self, rcu: &'a rcu::Guard) -> Option<Name<'a>> {
        self.call(|ops| ops.get_driver_name)
            .map(|chars| Name::of_issuer(chars, rcu))
    }

    #[inline(always)]
    pub(crate) fn timeline_name<'a>(&self, rcu: &'a rcu::Guard) -> Option<Name<'a>> {
        self.call(|ops| ops.get_timeline_name)
            .map(|chars| Name::of_issuer(chars, rcu))
    }

    /// Whether the fence should be signalled.
    #[inline(always)]
    pub(crate) fn is_signaled(&self) -> bool {
        self.call(|ops| ops.signaled).unwrap_or(false)
    }

    /// Whether the issuer knows better than others when the fence should be signalled.
    #[inline(always)]
    pub(crate) fn can_be_asked(&self) -> bool {
        self.table.signaled.is_some()
    }

    /// Whether the issuer wants to be asked before it signals the fence.
    #[inline(always)]
    pub(crate) fn wants_to_be_asked(&self) -> bool {
        self.table.enable_signaling.is_some()
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
            set_deadline(self.fence.into(), deadline);
        }
    }

    /// Whether they are those in `table`.
    #[inline(always)]
    pub(crate) fn is(&self, table: *const dma_fence_ops) -> bool {
        ptr::eq(self.table, table.cast())
    }
}

impl<'a> Locked<'a> {
    /// The issuer's own way to wait, which is interruptible or not, for so many jiffies. Not to be
    /// called under the lock.
    #[inline(always)]
    pub(crate) fn own_wait(&self) -> Option<impl FnOnce(bool, c_long) -> c_long + use<'a>> {
        let fence = self.fence();
        let wait = self.ops()?.table.wait?;

        // It stays without the lock: see `Table`.
        Some(move |interruptible, timeout| wait(fence.into(), interruptible, timeout))
    }
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

    // It stays without RCU: see `Table`.
    release(dying.fence().into());
    Ok(())
}
