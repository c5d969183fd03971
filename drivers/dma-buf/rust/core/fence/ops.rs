// SPDX-License-Identifier: GPL-2.0

//! Calls of a fence's issuer.

use super::layout::{
    dying::Dying,
    fence::Time,
    lock::Locked,
    ops::{
        ops,
        Operations, //
    }, //
};
use core::ptr;
use kernel::{
    bindings::dma_fence_ops,
    prelude::*,
    sync::rcu, //
};

impl Operations<'_> {
    /// Whether the fence should be signalled.
    #[inline(always)]
    pub(super) fn is_signaled(&self) -> bool {
        self.call(|ops| ops.signaled()).unwrap_or(false)
    }

    /// Whether the issuer knows better than others when the fence should be signalled.
    #[inline(always)]
    pub(super) fn can_be_asked(&self) -> bool {
        self.table().signaled().is_some()
    }

    /// Whether the issuer wants to be asked before it signals the fence.
    #[inline(always)]
    pub(super) fn wants_to_be_asked(&self) -> bool {
        self.table().enable_signaling().is_some()
    }

    /// Asks for the fence to be signalled, after `first`. Returns whether it will be. The lock is
    /// that of the fence.
    #[inline(always)]
    pub(super) fn enable_signaling(&self, _locked: &Locked<'_>, first: impl FnOnce()) -> bool {
        self.call(|ops| ops.enable_signaling().inspect(|_| first()))
            .unwrap_or(true)
    }

    #[inline(always)]
    pub(super) fn hears_deadlines(&self) -> bool {
        self.table().set_deadline().is_some()
    }

    #[inline(always)]
    pub(super) fn set_deadline(&self, deadline: Time) {
        if let Some(set_deadline) = self.table().set_deadline() {
            set_deadline(self.fence().into(), deadline);
        }
    }

    /// Whether they are those in `table`.
    #[inline(always)]
    pub(super) fn is(&self, table: *const dma_fence_ops) -> bool {
        ptr::eq(self.table(), table.cast())
    }
}

impl<'a> Locked<'a> {
    /// The issuer's own way to wait, which is interruptible or not, for so many jiffies. Not to be
    /// called under the lock.
    #[inline(always)]
    pub(super) fn own_wait(&self) -> Option<impl FnOnce(bool, c_long) -> c_long + use<'a>> {
        let fence = self.fence();
        let wait = self.ops()?.table().wait()?;

        // It stays without the lock: see `Table`.
        Some(move |interruptible, timeout| wait(fence.into(), interruptible, timeout))
    }
}

/// Releases a fence in the issuer's own way; gives it back if there is none. Holds RCU for as long,
/// but not with the operations `stays`, which never go away.
#[inline(always)]
pub(super) fn release(
    dying: Dying,
    rcu: rcu::Guard,
    stays: *const dma_fence_ops,
) -> Result<(), Dying> {
    let ops = ops(dying.fence(), &rcu);
    let release = ops.and_then(|ops| ops.table().release());

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
