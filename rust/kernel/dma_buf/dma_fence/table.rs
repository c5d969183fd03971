// SPDX-License-Identifier: GPL-2.0

//! The operations of a fence as C calls them.

use super::{
    head::Head,
    inner::Inner,
    ops::FenceOps,
    raw::{
        instant,
        Fence, //
    },
    timeline::{
        Locked,
        Outcome, //
    },
};
use crate::{
    bindings,
    prelude::*, //
};
use core::marker::PhantomData;

/// The C operations of the fences of `T`.
pub(super) struct Operations<T>(PhantomData<T>);

impl<T: FenceOps> Operations<T> {
    pub(super) const TABLE: bindings::dma_fence_ops = bindings::dma_fence_ops {
        get_driver_name: Some(Self::driver_name),
        get_timeline_name: Some(Self::timeline_name),
        enable_signaling: if T::HAS_ENABLE_SIGNALING {
            Some(Self::enable_signaling)
        } else {
            None
        },
        signaled: None,
        wait: None,
        release: None,
        set_deadline: if T::HAS_SET_DEADLINE {
            Some(Self::set_deadline)
        } else {
            None
        },
    };

    // For all of these: the core calls them with a fence that was initialised with this table, and
    // so is the beginning of an `Inner<T>`, which lives as long as the fence.

    extern "C" fn driver_name(_fence: *mut bindings::dma_fence) -> *const c_char {
        T::DRIVER_NAME.as_char_ptr()
    }

    /// # Safety
    ///
    /// Called by the core.
    unsafe extern "C" fn timeline_name(fence: *mut bindings::dma_fence) -> *const c_char {
        // SAFETY: The fence is part of an `Inner`, whose name is constant.
        unsafe { (*fence.cast::<Head>()).timeline_name }.as_char_ptr()
    }

    /// # Safety
    ///
    /// Called by the core, with the fence's lock held and the fence not signalled.
    unsafe extern "C" fn enable_signaling(fence: *mut bindings::dma_fence) -> bool {
        // SAFETY: The fence is part of an `Inner`, locked and not signalled.
        let (fence, inner) = unsafe { (Fence::from_raw(fence), Inner::<T>::open(fence)) };
        let Some(inner) = inner else {
            return true;
        };

        inner.head.inside.run(|| inner.owned.data.enable_signaling())
            // Out of turn this is for the timeline to signal.
            || !inner
                .owned
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

        if this.is_marked_signaled() {
            return;
        }
        // SAFETY: The fence is part of an `Inner`, locked and not signalled.
        if let Some(inner) = unsafe { Inner::<T>::open(fence) } {
            let data = &inner.owned.data;

            inner
                .head
                .inside
                .run(|| data.set_deadline(instant(deadline)));
        }
    }
}
