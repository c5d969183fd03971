// SPDX-License-Identifier: GPL-2.0

//! The end of a fence.

use super::{
    layout::{
        dying::Dying,
        fence::fields,
        lock::lock,
        name::warn_released,
        ops, //
    },
    names,
    trace, //
};
use kernel::{
    bindings,
    dma_buf::Fence,
    prelude::*,
    sync::{
        atomic::Relaxed,
        rcu, //
    }, //
};

impl<T> Dying<T> {
    /// What comes first for every fence. `None` if somebody has got hold of it again.
    pub(super) fn begin(self, rcu: &rcu::Guard) -> Option<Self> {
        trace::dma_fence_destroy(self.fence(), rcu);

        if self.is_waited_for() {
            return self.signal_at_last(rcu);
        }
        Some(self)
    }

    /// The issuer has forgotten to signal the fence, which its reference should have prevented. Do
    /// not leave those in the lurch who wait for it.
    #[cold]
    fn signal_at_last(self, rcu: &rcu::Guard) -> Option<Self> {
        // The callbacks may take references as usual, so that there has to be one.
        self.revived(|fence| signal_forgotten(fence, rcu))
    }
}

#[cold]
#[inline(never)]
fn signal_forgotten(fence: &Fence, rcu: &rcu::Guard) {
    warn(fence, rcu);

    let mut guard = lock(fence);

    // MODEL: fence-error
    fields(fence).error.store(EDEADLK.to_errno(), Relaxed);
    guard.signal();
}

/// One report with the text in it, for those who look through logs.
fn warn(fence: &Fence, rcu: &rcu::Guard) {
    let names = (names::driver(fence, rcu), names::timeline(fence, rcu));

    warn_released(names, fence.context(), fence.seqno());
}

impl Dying {
    /// Releases the fence. Any context.
    pub(super) fn release(self) {
        let rcu = rcu::read_lock();
        let Some(dying) = self.begin(&rcu) else {
            return;
        };
        // Those of chains stay, and there may be more links than should delay a grace period.
        if let Err(dying) = ops::release(dying, rcu, &raw const bindings::dma_fence_chain_ops) {
            dying.free();
        }
    }
}
