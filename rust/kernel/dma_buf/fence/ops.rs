// SPDX-License-Identifier: GPL-2.0

//! What others ask of the driver whose fence they wait for.

use super::{
    driver::{
        Head,
        Inner, //
    },
    timeline::{
        Locked,
        Outcome, //
    },
    Fence, //
};
use crate::{
    bindings,
    error::VTABLE_DEFAULT_ERROR,
    module::ModuleMetadata,
    prelude::*,
    sync::atomic::Relaxed,
    time::{
        Instant,
        Monotonic, //
    },
};
use core::marker::PhantomData;

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

    // For all of these: the core calls them with a fence that was initialised with this table.

    /// # Safety
    ///
    /// Called by the core.
    unsafe extern "C" fn driver_name(_fence: *mut bindings::dma_fence) -> *const c_char {
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
        // SAFETY: The fence is part of an `Inner`, which lives as long as the fence.
        let (closed, seqno) = unsafe { (&(*fence.cast::<Head>()).closed, (*fence).seqno) };

        if closed.load(Relaxed) {
            return true;
        }
        // SAFETY: What is owned is there: the owner must signal or close the fence first, which
        // needs the lock.
        let inner = unsafe { &*fence.cast::<Inner<T>>() };

        inner.head.inside.run(|| inner.owned.data.enable_signaling())
            // Out of turn this is for the timeline to signal.
            || !inner
                .owned
                .timeline
                .end_locked(seqno, Outcome::now(Ok(())))
    }

    /// # Safety
    ///
    /// Called by the core, in an RCU read-side critical section.
    unsafe extern "C" fn set_deadline(
        fence: *mut bindings::dma_fence,
        deadline: bindings::ktime_t,
    ) {
        // SAFETY: The core's guarantee.
        let this = unsafe { Fence::from_raw(fence) };
        let _locked = Locked::new(this);
        // SAFETY: As for `enable_signaling`.
        let closed = unsafe { &(*fence.cast::<Head>()).closed };

        if !this.is_marked_signaled() && !closed.load(Relaxed) {
            // SAFETY: As for `enable_signaling`.
            let inner = unsafe { &*fence.cast::<Inner<T>>() };
            // SAFETY: Not negative.
            let deadline = unsafe { Instant::from_ktime(deadline.max(0)) };

            inner
                .head
                .inside
                .run(|| inner.owned.data.set_deadline(deadline));
        }
    }
}
