// SPDX-License-Identifier: GPL-2.0

//! The operations of a fence, for as long as they are there.

use super::{
    fence::fields,
    lock::Locked,
    name::Name, //
};
use crate::fence::table::{
    Operation,
    Table, //
};
use kernel::{
    dma_buf::Fence,
    sync::{
        atomic::Relaxed,
        rcu, //
    }, //
};

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

impl<'a> Operations<'a> {
    /// The fence, which is the one that they may be called with.
    #[inline(always)]
    pub(in crate::fence) fn fence(&self) -> &'a Fence {
        self.fence
    }

    #[inline(always)]
    pub(in crate::fence) fn table(&self) -> &'a Table {
        self.table
    }

    /// Calls an operation that the fence is all that it needs for.
    #[inline(always)]
    pub(in crate::fence) fn call<R>(
        &self,
        pick: impl FnOnce(&Table) -> Option<Operation<R>>,
    ) -> Option<R> {
        pick(self.table).map(|operation| operation(self.fence.into()))
    }

    #[inline(always)]
    pub(crate) fn driver_name<'r>(&self, rcu: &'r rcu::Guard) -> Option<Name<'r>> {
        self.call(|ops| ops.get_driver_name())
            .map(|chars| Name::of_issuer(chars, rcu))
    }

    #[inline(always)]
    pub(crate) fn timeline_name<'r>(&self, rcu: &'r rcu::Guard) -> Option<Name<'r>> {
        self.call(|ops| ops.get_timeline_name())
            .map(|chars| Name::of_issuer(chars, rcu))
    }
}
