// SPDX-License-Identifier: GPL-2.0

//! The operations of a fence, for as long as they are there.

use super::{
    dying::Dying,
    fence::{
        fields,
        Time, //
    },
    lock::Locked,
    name::Name,
    operation::Operation, //
};
use crate::fence::table::{
    Question,
    Table, //
};
use core::ptr;
use kernel::{
    bindings::dma_fence_ops,
    dma_buf::Fence,
    prelude::*,
    sync::{
        atomic::Relaxed,
        rcu, //
    }, //
};

/// The operations of a fence that is attached to its issuer.
///
/// # Invariants
///
/// `table` is that of `fence`. RCU keeps it, and what it needs, or the lock does: then they are not
/// shown to others, since most of them expect RCU to be held when they are called.
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

impl<'a> Operations<'a> {
    /// Whether there is the operation.
    #[inline(always)]
    pub(in crate::fence) fn has<F>(
        &self,
        pick: impl FnOnce(&Table) -> Option<&Operation<F>>,
    ) -> bool {
        pick(self.table).is_some()
    }

    /// Calls an operation that the fence is all that it needs for.
    #[inline(always)]
    pub(in crate::fence) fn call<R>(
        &self,
        pick: impl FnOnce(&Table) -> Option<&Question<R>>,
    ) -> Option<R> {
        pick(self.table).map(|operation| operation.0(self.fence.into()))
    }

    #[inline(always)]
    pub(in crate::fence) fn set_deadline(&self, deadline: Time) {
        if let Some(set_deadline) = self.table.set_deadline() {
            set_deadline.0(self.fence.into(), deadline);
        }
    }

    /// One of the names.
    #[inline(always)]
    pub(in crate::fence) fn name<'r>(
        &self,
        pick: impl FnOnce(&Table) -> Option<&Question<*const c_char>>,
        rcu: &'r rcu::Guard,
    ) -> Option<Name<'r>> {
        self.call(pick).map(|chars| Name::of_issuer(chars, rcu))
    }
}

impl<'a> Locked<'a> {
    #[inline(always)]
    fn ops(&self) -> Option<Operations<'_>> {
        // INVARIANT: Locked.
        Steady(self.fence()).ops()
    }

    /// Whether the issuer has the operation, and the fence is attached.
    #[inline(always)]
    pub(in crate::fence) fn issuer_has<F>(
        &self,
        pick: impl FnOnce(&Table) -> Option<&Operation<F>>,
    ) -> bool {
        self.ops().is_some_and(|ops| ops.has(pick))
    }

    /// Asks the issuer to signal the fence, after `first`. Returns whether it will be signalled.
    #[inline(always)]
    pub(in crate::fence) fn ask_issuer(&self, rcu: &rcu::Guard, first: impl FnOnce()) -> bool {
        ops(self.fence(), rcu).is_none_or(|ops| {
            ops.table.enable_signaling().is_none_or(|operation| {
                first();
                operation.0(self.fence().into())
            })
        })
    }

    /// The issuer's own way to wait, which is interruptible or not, for so many jiffies. Not to be
    /// called under the lock.
    #[inline(always)]
    pub(in crate::fence) fn own_wait(
        &self,
    ) -> Option<impl FnOnce(bool, c_long) -> c_long + use<'a>> {
        let fence = self.fence();
        let wait = self.ops()?.table.wait()?.0;

        // It stays without the lock: see `Table`.
        Some(move |interruptible, timeout| wait(fence.into(), interruptible, timeout))
    }
}

/// Releases a fence in the issuer's own way; gives it back if there is none. Holds RCU for as long,
/// but not with the operations `stays`, which never go away.
#[inline(always)]
pub(in crate::fence) fn release(
    dying: Dying,
    rcu: rcu::Guard,
    stays: *const dma_fence_ops,
) -> Result<(), Dying> {
    let ops = ops(dying.fence(), &rcu);
    let release = ops
        .and_then(|ops| ops.table.release())
        .map(|release| release.0);

    if ops.is_some_and(|ops| ptr::eq(ops.table, stays.cast())) {
        rcu.unlock();
    }
    let Some(release) = release else {
        return Err(dying);
    };

    // It stays without RCU: see `Table`.
    release(dying.fence().into());
    Ok(())
}
