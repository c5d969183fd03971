// SPDX-License-Identifier: GPL-2.0

//! Where fences come from.

use super::{
    allocation::DriverFenceAllocation,
    names::Names,
    ops::FenceContextOps,
    shared::Shared,
    timeline::Outcome, //
};
use crate::{
    alloc::Flags,
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
/// The context may be dropped before its fences are signalled, where these were forgotten or
/// [detached](super::DriverFence::detach): what they need of it, they keep. Nothing waits for that.
/// The data is dropped with the last of them, where that may sleep.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Fence, FenceContext, FenceContextOps};
/// use kernel::sync::aref::ARef;
///
/// struct Queue;
///
/// impl FenceContextOps for Queue {
///     type FenceDataType = ();
/// }
///
/// let queue = KBox::pin_init(FenceContext::new(1, c"example", c"queue", Queue), GFP_KERNEL)?;
/// let first = queue.new_fence_allocation(())?.new_fence();
/// let second = queue.new_fence_allocation(())?.new_fence();
/// let fence = ARef::from(second.as_fence());
///
/// second.signal(Ok(()));
/// assert!(!fence.is_signaled());
/// first.signal(Ok(()));
/// assert!(fence.is_signaled());
/// # Ok::<(), Error>(())
/// ```
///
/// See also [`DriverFence`](super::DriverFence).
#[pin_data]
pub struct FenceContext<T: FenceContextOps> {
    shared: Arc<Shared<T>>,
}

impl<T: FenceContextOps> FenceContext<T> {
    /// A new context, whose first fence has the number `initial_seqno`. The names are for people,
    /// and are copied.
    ///
    /// Fails with `ENOMEM`, and with `EINVAL` if `initial_seqno` is more than [`i64::MAX`]. May
    /// sleep.
    #[inline]
    pub fn new<E>(
        initial_seqno: u64,
        driver_name: &CStr,
        timeline_name: &CStr,
        data: impl PinInit<T, E>,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        let names = Names::new(driver_name, timeline_name);

        try_pin_init!(Self {
            shared: Shared::new(initial_seqno, names?, data)?,
        }? Error)
    }

    /// The number by which [`Fence::context`](super::Fence::context) knows this context.
    #[inline]
    pub fn id(&self) -> u64 {
        self.shared.timeline.id()
    }

    /// What the context was made with.
    #[inline]
    pub fn data(&self) -> &T {
        &self.shared.data
    }

    /// Allocates all that a fence needs.
    ///
    /// Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn new_fence_allocation(
        &self,
        data: T::FenceDataType,
    ) -> Result<DriverFenceAllocation<'_, T>> {
        self.new_fence_allocation_with(data, GFP_KERNEL)
    }

    /// As [`new_fence_allocation`](Self::new_fence_allocation), but sleeps only if `flags` allow
    /// it.
    #[inline]
    pub fn new_fence_allocation_with(
        &self,
        data: T::FenceDataType,
        flags: Flags,
    ) -> Result<DriverFenceAllocation<'_, T>> {
        DriverFenceAllocation::new(&self.shared, data, flags)
    }

    /// The work of all fences up to the one with the number `seqno` is done, as a device tells that
    /// counts. They are signalled; what their owners say afterwards changes nothing.
    ///
    /// May be called in any context, but not where a fence's lock is held: in what
    /// [`FenceContextOps`] has, and in [callbacks](super::FenceCallback).
    #[inline]
    pub fn signal_through(&self, seqno: u64) {
        let outcome = Outcome::now(Ok(()));

        self.shared.timeline.end_through(seqno, outcome);
    }
}
