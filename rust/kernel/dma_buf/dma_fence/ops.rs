// SPDX-License-Identifier: GPL-2.0

//! What others ask of the driver whose fence they wait for.

use crate::{
    error::VTABLE_DEFAULT_ERROR,
    module::ModuleMetadata,
    prelude::*,
    time::{
        Instant,
        Monotonic, //
    },
};

/// What a [`DriverFence`](super::DriverFence) stands for: the driver's data, and what it does when
/// others take an interest in the fence.
///
/// The methods are called in any context, with the fence's lock held and interrupts off: they must
/// not sleep, must not touch the lock of this fence, and must not signal any. None is required.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{FenceAllocation, FenceContext, FenceOps};
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use kernel::time::{Instant, Monotonic};
///
/// /// A job whose end the device only tells if it is asked to.
/// struct Job {
///     interrupt_enabled: Atomic<bool>,
///     urgent: Atomic<bool>,
/// }
///
/// #[vtable]
/// impl FenceOps for Job {
///     const DRIVER_NAME: &'static CStr = c"example";
///
///     fn enable_signaling(&self) -> bool {
///         self.interrupt_enabled.store(true, Relaxed);
///         true
///     }
///
///     fn set_deadline(&self, _deadline: Instant<Monotonic>) {
///         self.urgent.store(true, Relaxed);
///     }
/// }
///
/// let job = FenceContext::new(c"queue")?.fence(
///     FenceAllocation::new(GFP_KERNEL)?,
///     Job { interrupt_enabled: Atomic::new(false), urgent: Atomic::new(false) },
/// );
///
/// job.fence().enable_signaling();
/// assert!(job.interrupt_enabled.load(Relaxed));
/// job.fence().set_deadline(Instant::now());
/// assert!(job.urgent.load(Relaxed));
/// job.signal();
/// # Ok::<(), Error>(())
/// ```
#[vtable]
pub trait FenceOps: Sized + Send + Sync + 'static {
    /// The module that the code is in. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

    /// The name of the driver, for people.
    const DRIVER_NAME: &'static CStr;

    /// Whether the data may be dropped in any context: neither it nor what it owns sleeps, takes a
    /// lock that is held with interrupts on, or waits for a fence.
    ///
    /// Otherwise data with a destructor that nobody takes back when the fence is signalled
    /// ([`signal_and_take`](super::DriverFence::signal_and_take)) is dropped later, by a work item,
    /// whose memory is part of the [`FenceAllocation`](super::FenceAllocation). The module stays
    /// until then. Only in a module that is just being loaded or unloaded it is dropped at once.
    const ATOMIC_DROP: bool = false;

    /// Somebody begins to wait. Called once at most.
    ///
    /// Also those whose turn it is are asked, when others of their context wait for it. Returns
    /// `false` if the work is done already; the fence is signalled then without an error, if it is
    /// its turn, else when its owner signals it and all before it are.
    fn enable_signaling(&self) -> bool {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Somebody would like the work to be done by `deadline`. May be called any number of times;
    /// the earliest time counts.
    fn set_deadline(&self, _deadline: Instant<Monotonic>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}
