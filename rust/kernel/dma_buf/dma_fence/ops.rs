// SPDX-License-Identifier: GPL-2.0

//! What a driver says of its fences.

use crate::time::{
    Instant,
    Monotonic, //
};

/// The data of a [`FenceContext`](super::FenceContext), and what it does when others take an
/// interest in one of its fences.
///
/// Only [`FenceDataType`](Self::FenceDataType) is required. The rest are additions to what upstream
/// has. A fence that its owner forgets stays for ever, and with it the data of both; so neither may
/// borrow anything.
///
/// The functions are called in any context, with the fence's lock held and interrupts off: they
/// must not sleep, nor do anything that takes the lock of a fence, of this one or of another, as to
/// signal one does ([`FenceCallback`](super::FenceCallback) says what else). They are constants,
/// and not functions with a default, so that the core is told which ones there are without
/// `#[vtable]`.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{FenceContext, FenceContextOps};
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use kernel::time::{Instant, Monotonic};
///
/// struct Queue;
///
/// /// A job whose end the device only tells if it is asked to.
/// struct Job {
///     interrupt_enabled: Atomic<bool>,
///     urgent: Atomic<bool>,
/// }
///
/// impl Queue {
///     fn enable_interrupt(&self, job: &Job) -> bool {
///         job.interrupt_enabled.store(true, Relaxed);
///         true
///     }
///
///     fn hurry(&self, job: &Job, _deadline: Instant<Monotonic>) {
///         job.urgent.store(true, Relaxed);
///     }
/// }
///
/// impl FenceContextOps for Queue {
///     type FenceDataType = Job;
///
///     const ENABLE_SIGNALING: Option<fn(&Self, &Job) -> bool> = Some(Self::enable_interrupt);
///     const SET_DEADLINE: Option<fn(&Self, &Job, Instant<Monotonic>)> = Some(Self::hurry);
/// }
///
/// let queue = KBox::pin_init(FenceContext::new(1, c"example", c"queue", Queue), GFP_KERNEL)?;
/// let job = Job { interrupt_enabled: Atomic::new(false), urgent: Atomic::new(false) };
/// let job = queue.new_fence_allocation(job)?.new_fence();
///
/// job.as_fence().enable_signaling();
/// assert!(job.interrupt_enabled.load(Relaxed));
/// job.as_fence().set_deadline(Instant::now());
/// assert!(job.urgent.load(Relaxed));
/// job.signal(Ok(()));
/// # Ok::<(), Error>(())
/// ```
pub trait FenceContextOps: Sized + Send + Sync + 'static {
    /// The data of a fence.
    type FenceDataType: Send + Sync + 'static;

    /// Whether the data of fences may be dropped in any context: neither it nor what it owns
    /// sleeps, takes a lock that is held with interrupts on, or waits for a fence.
    ///
    /// Otherwise data with a destructor that nobody takes back when the fence is signalled
    /// ([`signal_and_take`](super::DriverFence::signal_and_take)) is dropped later, by a work item,
    /// whose memory is allocated with the fence. The module stays until then. Only in a module that
    /// is just being loaded or unloaded it is dropped at once.
    const ATOMIC_DROP: bool = false;

    /// Somebody begins to wait. Called once at most for a fence.
    ///
    /// Also those whose turn it is are asked, when others of their context wait for it. Returns
    /// `false` if the work is done already; the fence is signalled then without an error, if it is
    /// its turn, else when its owner signals it and all before it are.
    const ENABLE_SIGNALING: Option<fn(&Self, &Self::FenceDataType) -> bool> = None;

    /// Somebody would like the work to be done by a deadline. May be called any number of times;
    /// the earliest time counts.
    #[allow(clippy::type_complexity)]
    const SET_DEADLINE: Option<fn(&Self, &Self::FenceDataType, Instant<Monotonic>)> = None;
}
