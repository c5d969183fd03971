// SPDX-License-Identifier: GPL-2.0

//! Fences, as those see them who do the work.
//!
//! # Who may use what, and until when
//!
//! The data of a [`DriverFence`] is in the same allocation as the C fence. The core reaches it
//! through two operations, both with the fence's lock held and the fence not signalled:
//! `enable_signaling` is called so, `set_deadline` sees to it itself. Signalling sets the flag
//! under the lock. If the fence has to wait for its turn (see [`timeline`](super::timeline)), its
//! owner closes it instead, under the lock, too. So from then on only the owner uses the data, and
//! takes it back, or has it dropped where that may sleep; the memory of the fence stays until a
//! grace period after the last reference is gone.
//!
//! There is no `signaled` operation: the core calls it without the lock, so that the data would
//! have to stay for a grace period, too.
//!
//! The table has neither `release` nor `wait`, so that a fence forgets it as it is signalled, and
//! outlives its module. Until then it keeps the module loaded; who has read the pointer to the
//! table, or a name, just before that is in an RCU read-side critical section, and a module is not
//! freed before those have ended.

use super::{
    deferred::Elsewhere,
    inside::Inside,
    ops::Operations,
    timeline::{
        self,
        Locked,
        Outcome,
        Pending,
        Timeline, //
    },
    Fence,
    FenceAllocation,
    FenceOps,
    LeafFence, //
};
use crate::{
    bindings,
    dma_buf::module_ref::ModuleRef,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        Instant,
        Monotonic, //
    },
    types::Opaque,
};
use core::{
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

/// What does not depend on the driver.
#[repr(C)]
pub(super) struct Head {
    // First, because the core frees the allocation by the address of the fence.
    fence: Opaque<bindings::dma_fence>,
    pub(super) timeline_name: &'static CStr,
    pub(super) inside: Inside,
    /// Whether the owner has taken back what is its own. Changed with the fence's lock held.
    pub(super) closed: Atomic<bool>,
}

/// A fence and its data.
#[repr(C)]
pub(super) struct Inner<T> {
    // First, as in there.
    pub(super) head: Head,
    pub(super) owned: ManuallyDrop<Owned<T>>,
}

/// What goes when the owner is done with a fence.
pub(super) struct Owned<T> {
    pub(super) data: T,
    pub(super) timeline: Arc<Timeline>,
    /// Only a module that is about to be unloaded has none.
    module: Option<ModuleRef>,
    elsewhere: Option<Elsewhere<T>>,
}

impl<T: FenceOps> Owned<T> {
    /// Drops the data, here only if that may be done in any context, or if a work item might come
    /// when the module is gone, as it may be if its beginning fails.
    #[inline]
    fn dispose(self) {
        match (self.elsewhere, self.module) {
            (Some(elsewhere), Some(module)) if module.is_live() => {
                elsewhere.dispose(self.data, module);
            }
            (_, module) => {
                drop(self.data);
                drop(module);
            }
        }
    }
}

/// A fence that its owner has to signal.
///
/// There is one `DriverFence` for a fence; everybody else has a [`Fence`], which cannot signal. If
/// it is dropped, its fence is signalled with `ECANCELED`, so that nobody waits for ever; if others
/// have it by then the kernel warns, because a job was lost. Derefs to the driver's data, which can
/// be taken back when the fence is signalled, or is dropped then, where that
/// [may be done](FenceOps::ATOMIC_DROP).
///
/// The code between the moment when others can see the fence and the moment when it is signalled
/// belongs into a [`SignallingSection`](super::SignallingSection).
///
/// Signalling from inside one of the fence's own [operations](FenceOps) or callbacks is a bug that
/// stops the kernel.
///
/// # Invariants
///
/// Points to an initialised `Inner` with a reference that belongs to this `DriverFence`. Nobody
/// else uses what is `owned`, except in an operation, before the fence is signalled or closed and
/// with its lock held.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{DriverFence, FenceAllocation, FenceContext, FenceOps, FenceStatus};
/// use kernel::sync::aref::ARef;
///
/// struct Job {
///     id: u32,
/// }
///
/// #[vtable]
/// impl FenceOps for Job {
///     const DRIVER_NAME: &'static CStr = c"example";
/// }
///
/// let queue = FenceContext::new(c"queue")?;
///
/// // This may fail...
/// let memory = FenceAllocation::new(GFP_KERNEL)?;
/// // ... and this may not.
/// let job: DriverFence<Job> = queue.fence(memory, Job { id: 7 });
/// let fence = ARef::from(job.fence());
///
/// assert_eq!(job.id, 7);
/// assert_eq!(fence.context(), queue.id());
/// assert_eq!(fence.status(), FenceStatus::Pending);
/// job.signal();
/// assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
///
/// let lost = queue.fence(FenceAllocation::new(GFP_KERNEL)?, Job { id: 8 });
/// let fence = ARef::from(lost.fence());
/// drop(lost);
/// assert_eq!(fence.status(), FenceStatus::Signaled(Err(ECANCELED)));
/// # Ok::<(), Error>(())
/// ```
#[must_use = "a fence that is dropped is signalled with an error"]
pub struct DriverFence<T: FenceOps>(NonNull<Inner<T>>);

// SAFETY: The data is `Send`, and a fence does its own locking.
unsafe impl<T: FenceOps> Send for DriverFence<T> {}

// SAFETY: The data is `Sync`, and a fence does its own locking.
unsafe impl<T: FenceOps> Sync for DriverFence<T> {}

impl<T: FenceOps> DriverFence<T> {
    /// Makes the next fence of a timeline.
    #[inline]
    pub(super) fn new(
        allocation: FenceAllocation<T>,
        timeline: &Arc<Timeline>,
        timeline_name: &'static CStr,
        data: T,
    ) -> Self {
        let FenceAllocation {
            memory,
            place,
            elsewhere,
        } = allocation;
        // One for the owner, who calls the driver's code, and one for the fence's operations.
        let ours = ModuleRef::this::<T::OwnerModule>().ok();
        let module = ModuleRef::this::<T::OwnerModule>().ok();
        let is_going = module.is_none();

        // INVARIANT: The first reference will be ours. Nobody else knows the data yet.
        let this = Self(NonNull::from(KBox::leak(memory.write(Inner {
            head: Head {
                fence: Opaque::uninit(),
                timeline_name,
                inside: Inside::new(),
                closed: Atomic::new(false),
            },
            owned: ManuallyDrop::new(Owned {
                data,
                timeline: timeline.clone(),
                module: ours,
                elsewhere,
            }),
        }))));

        timeline.append(place, |seqno| {
            // SAFETY: The memory is ours, and the rest of it is initialised. The table stays until
            // the fence forgets it: see the module's documentation.
            unsafe {
                bindings::dma_fence_init64(
                    this.0.cast().as_ptr(),
                    &Operations::<T>::TABLE,
                    ptr::null_mut(),
                    timeline.id(),
                    seqno,
                )
            };
            Some(Pending::new(this.fence().into(), module?))
        });

        if is_going {
            timeline::signal(this.fence(), Outcome::now(Err(ECANCELED)));
        }
        this
    }

    #[inline]
    fn inner(&self) -> &Inner<T> {
        // SAFETY: By the type invariant.
        unsafe { self.0.as_ref() }
    }

    /// The fence, for those who wait.
    #[inline]
    pub fn fence(&self) -> &Fence {
        // SAFETY: By the type invariant there is a reference.
        unsafe { self.0.cast().as_ref() }
    }

    /// The fence, for a reservation object.
    #[inline]
    pub fn as_leaf(&self) -> &LeafFence {
        // INVARIANT: The operations are neither those of an array nor those of a chain.
        //
        // SAFETY: By the type invariant there is a reference; `LeafFence` is transparent.
        unsafe { self.0.cast().as_ref() }
    }

    /// Whether others have the fence, besides its timeline.
    #[inline]
    fn is_shared(&self) -> bool {
        let raw = self.fence().as_raw();
        // SAFETY: By the type invariant there is a reference; the counter is accessed atomically
        // only.
        let count = unsafe { Atomic::from_ptr(&raw mut (*raw).refcount.refcount.refs.counter) };

        count.load(Relaxed) > 2
    }

    /// The work is done. The fence is signalled, or will be as soon as all before it in its context
    /// are.
    #[inline]
    pub fn signal(self) {
        self.finish(Outcome::now(Ok(())));
    }

    /// As [`signal`](Self::signal), but the work was done at `timestamp`.
    #[inline]
    pub fn signal_at(self, timestamp: Instant<Monotonic>) {
        self.finish(Outcome {
            result: Ok(()),
            timestamp,
        });
    }

    /// As [`signal`](Self::signal), but the work has failed.
    #[inline]
    pub fn signal_err(self, error: Error) {
        self.finish(Outcome::now(Err(error)));
    }

    /// As [`signal`](Self::signal) or [`signal_err`](Self::signal_err), and gives back the data,
    /// for the caller to drop where it may.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::{FenceAllocation, FenceContext, FenceOps};
    ///
    /// struct Job(KVec<u32>);
    ///
    /// #[vtable]
    /// impl FenceOps for Job {
    ///     const DRIVER_NAME: &'static CStr = c"example";
    /// }
    ///
    /// let queue = FenceContext::new(c"queue")?;
    /// let job = queue.fence(FenceAllocation::new(GFP_KERNEL)?, Job(KVec::new()));
    ///
    /// let Job(registers) = job.signal_and_take(Ok(()));
    /// assert!(registers.is_empty());
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    #[must_use = "what is not wanted back is better left to `signal`"]
    pub fn signal_and_take(self, result: Result) -> T {
        self.complete(Outcome::now(result));
        // SAFETY: Just completed.
        unsafe { ManuallyDrop::new(self).retire() }.data
    }

    #[inline]
    fn finish(self, outcome: Outcome) {
        self.complete(outcome);
        // SAFETY: Just completed.
        unsafe { ManuallyDrop::new(self).retire() }.dispose();
    }

    /// Signals the fence when it is its turn, unless it was told before how the work has ended.
    /// Returns whether it was not. Nobody else uses what is `owned` afterwards.
    #[inline]
    fn complete(&self, outcome: Outcome) -> bool {
        let inner = self.inner();
        inner.head.inside.assert_outside();

        let is_news = inner.owned.timeline.end(self.fence().seqno(), outcome);
        // Also if it is signalled: whoever was in an operation has left the data behind the lock.
        let _locked = Locked::new(self.fence());
        inner.head.closed.store(true, Relaxed);
        is_news
    }

    /// Gives up everything that this object owns, and returns what is of use to the caller.
    ///
    /// # Safety
    ///
    /// [`complete`](Self::complete) must have returned, and `self` must not be used or dropped
    /// afterwards.
    #[inline]
    unsafe fn retire(&self) -> Owned<T> {
        // SAFETY: By the type invariant `owned` is initialised and, as the fence is signalled or
        // closed, nobody else uses it any more. The caller's guarantee says that this happens once.
        //
        // The reference to the module may be the last one: our caller is code of the module, too,
        // and has its own reason to know that the module stays.
        let owned = unsafe { ManuallyDrop::take(&mut (*self.0.as_ptr()).owned) };
        // SAFETY: By the type invariant the reference is ours.
        drop(unsafe { ARef::<Fence>::from_raw(self.0.cast()) });
        owned
    }
}

impl<T: FenceOps> Deref for DriverFence<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner().owned.data
    }
}

impl<T: FenceOps> Drop for DriverFence<T> {
    #[inline]
    fn drop(&mut self) {
        let is_shared = self.is_shared();

        if self.complete(Outcome::now(Err(ECANCELED))) && is_shared {
            warn_dropped(
                self.fence(),
                T::DRIVER_NAME,
                self.inner().head.timeline_name,
            );
        }
        // SAFETY: Just completed, and this is the end of the object.
        unsafe { self.retire() }.dispose();
    }
}

/// Tells of a fence that was promised to others and dropped. Stays in the kernel.
#[cold]
#[inline(never)]
fn warn_dropped(fence: &Fence, driver: &CStr, timeline: &CStr) {
    let (context, seqno) = (fence.context(), fence.seqno());

    // SAFETY: The name is for messages only.
    if unsafe { bindings::__printk_ratelimit(c"dma_fence".as_char_ptr()) } != 0 {
        // `u64` divides to be printed, unless it is hexadecimal.
        pr_warn!(
            "{driver}: {timeline} {context:#x}:{seqno:#x} is dropped without being signalled\n"
        );
    }
}
