// SPDX-License-Identifier: GPL-2.0

//! Making fences.

use super::{
    driver::DriverFence,
    inner::FenceAllocation,
    ops::FenceOps,
    timeline::{
        Outcome,
        Timeline, //
    },
};
use crate::{
    prelude::*,
    sync::Arc, //
};

/// A sequence of fences, which are signalled in the order in which they are made.
///
/// Where several fences of one context come together only the latest is waited for. So work may
/// come to its end in any order, but a fence is not signalled before all before it are. One that is
/// forgotten ([`mem::forget`](core::mem::forget)) holds up those after it, until
/// [`signal_through`](Self::signal_through) goes past it.
///
/// A fence has its place from when it is made: what may fail or wait for other fences comes before.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Fence, FenceAllocation, FenceContext, FenceOps};
/// use kernel::sync::aref::ARef;
///
/// struct Job;
///
/// #[vtable]
/// impl FenceOps for Job {
///     const DRIVER_NAME: &'static CStr = c"example";
/// }
///
/// let queue = FenceContext::new(c"queue")?;
/// let first = queue.fence(FenceAllocation::new(GFP_KERNEL)?, Job);
/// let second = queue.fence(FenceAllocation::new(GFP_KERNEL)?, Job);
/// let fence = ARef::from(second.fence());
///
/// second.signal();
/// assert!(!fence.is_signaled());
/// first.signal();
/// assert!(fence.is_signaled());
/// # Ok::<(), Error>(())
/// ```
///
/// See also [`DriverFence`].
pub struct FenceContext {
    timeline: Arc<Timeline>,
    timeline_name: &'static CStr,
}

impl FenceContext {
    /// A new context. `timeline_name` is for people.
    ///
    /// Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn new(timeline_name: &'static CStr) -> Result<Self> {
        Ok(Self {
            timeline: Timeline::new()?,
            timeline_name,
        })
    }

    /// The number by which [`Fence::context`](super::Fence::context) knows this context.
    #[inline]
    pub fn id(&self) -> u64 {
        self.timeline.id()
    }

    /// Makes the next fence of this context.
    ///
    /// If the module that `T` is in is about to be unloaded the fence is signalled with `ECANCELED`
    /// already. May be called in any context.
    #[inline]
    pub fn fence<T: FenceOps>(&self, memory: FenceAllocation<T>, data: T) -> DriverFence<T> {
        DriverFence::new(memory, &self.timeline, self.timeline_name, data)
    }

    /// The work of all fences up to the one with the number `seqno` is done, as a device tells that
    /// counts. They are signalled; what their owners say afterwards changes nothing.
    ///
    /// May be called in any context, but not where a fence's lock is held: in
    /// [operations](FenceOps) and [callbacks](super::FenceCallback).
    #[inline]
    pub fn signal_through(&self, seqno: u64) {
        self.timeline.end_through(seqno, Outcome::now(Ok(())));
    }
}
