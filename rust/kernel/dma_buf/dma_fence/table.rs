// SPDX-License-Identifier: GPL-2.0

//! The operations of a fence as C calls them.

use super::{
    head::Head,
    inner::{
        Inner,
        Owned, //
    },
    lock::Locked,
    ops::FenceContextOps,
    raw::{
        instant,
        Fence, //
    },
    timeline::Outcome, //
};
use crate::bindings;
use core::marker::PhantomData;

/// The C operations of the fences of `T`.
pub(super) struct Operations<T>(PhantomData<T>);

impl<T: FenceContextOps> Operations<T> {
    pub(super) const TABLE: bindings::dma_fence_ops = bindings::dma_fence_ops {
        enable_signaling: if T::ENABLE_SIGNALING.is_some() {
            Some(Self::enable_signaling)
        } else {
            None
        },
        set_deadline: if T::SET_DEADLINE.is_some() {
            Some(Self::set_deadline)
        } else {
            None
        },
        ..Head::OPS
    };

    // For all of these: the core calls them with a fence that was initialised with this table, and
    // so is the beginning of an `Inner<T>`, which lives as long as the fence.

    /// # Safety
    ///
    /// Called by the core, with the fence's lock held and the fence not signalled.
    unsafe extern "C" fn enable_signaling(fence: *mut bindings::dma_fence) -> bool {
        // SAFETY: The fence is part of an `Inner`, locked and not signalled.
        let (fence, inner) = unsafe { (Fence::from_raw(fence), Inner::<T>::open(fence)) };
        let (Some(inner), Some(enable)) = (inner, T::ENABLE_SIGNALING) else {
            return true;
        };
        let Owned { data, shared, .. } = &inner.owned;

        inner.head.inside.run(|| enable(&shared.data, data))
            // Out of turn this is for the timeline to signal.
            || !shared
                .timeline
                .end_locked(fence.seqno(), Outcome::now(Ok(())))
    }

    /// # Safety
    ///
    /// Called by the core, in an RCU read-side critical section.
    unsafe extern "C" fn set_deadline(
        fence: *mut bindings::dma_fence,
        deadline: bindings::ktime_t,
    ) {
        // SAFETY: The core has a reference.
        let this = unsafe { Fence::from_raw(fence) };
        let _locked = Locked::new(this);

        if this.test_signaled_flag() {
            return;
        }
        // SAFETY: The fence is part of an `Inner`, locked and not signalled.
        if let (Some(inner), Some(set)) = (unsafe { Inner::<T>::open(fence) }, T::SET_DEADLINE) {
            let Owned { data, shared, .. } = &inner.owned;

            inner
                .head
                .inside
                .run(|| set(&shared.data, data, instant(deadline)));
        }
    }
}
