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
    head::{
        Head,
        Issued, //
    },
    inner::{
        FenceAllocation,
        Inner,
        Owned, //
    },
    leaf::LeafFence,
    ops::FenceOps,
    raw::Fence,
    table::Operations,
    timeline::{
        self,
        Locked,
        Outcome,
        Timeline, //
    },
};
use crate::{
    bindings,
    dma_buf::module_ref::ModuleRef,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed,
        Arc, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

/// The right to end a fence.
///
/// # Invariants
///
/// The fence is the beginning of an [`Inner<T>`], whose `owned` is there, and this is its only
/// `Handle`. Nobody else uses what is `owned`, except in an operation, before the fence is
/// signalled or closed and with its lock held.
struct Handle<T: FenceOps> {
    fence: Issued,
    _p: PhantomData<&'static T>,
}

impl<T: FenceOps> Handle<T> {
    #[inline]
    fn inner(&self) -> &Inner<T> {
        // SAFETY: By the type invariant.
        unsafe { &*self.fence.as_raw().cast() }
    }

    /// Signals the fence when it is its turn, unless it was told before how the work has ended.
    /// Gives up everything that belongs to this object, and returns what is of use to the caller.
    ///
    /// The reference to the module may be the last one: our caller is code of the module, too, and
    /// has its own reason to know that the module stays.
    #[inline]
    fn end(self, outcome: Outcome, is_lost: bool) -> Owned<T> {
        // Whether others have the fence, besides its timeline.
        let is_missed = is_lost && self.fence.fields().refs.load(Relaxed) > 2;
        let inner = self.inner();
        inner.head.inside.assert_outside();

        let is_news = inner.owned.timeline.end(self.fence.seqno(), outcome);
        // Also if it is signalled: whoever was in an operation has left the data behind the lock.
        let locked = Locked::new(&self.fence);
        inner.head.closed.store(true, Relaxed);
        drop(locked);

        if is_missed && is_news {
            warn_dropped(&self.fence, T::DRIVER_NAME, inner.head.timeline_name);
        }
        let inner: *mut Inner<T> = self.fence.as_raw().cast();
        // SAFETY: By the type invariant `owned` is there and, as the fence is closed, nobody else
        // uses it any more. This is the end of the only `Handle`, so it happens once.
        unsafe { ManuallyDrop::take(&mut (*inner).owned) }
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
pub struct DriverFence<T: FenceOps>(ManuallyDrop<Handle<T>>);

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

        let inner = NonNull::from(KBox::leak(memory.write(Inner {
            head: Head::new(timeline_name),
            owned: ManuallyDrop::new(Owned {
                data,
                timeline: timeline.clone(),
                module: ours,
                elsewhere,
            }),
        })));

        let fence = timeline.append(place, module, |seqno| {
            // INVARIANT: This is the beginning of `inner`.
            //
            // SAFETY: The memory is ours, and the rest of it is initialised. The first reference is
            // ours. The table stays until the fence forgets it: see the module's documentation.
            Issued(unsafe {
                bindings::dma_fence_init64(
                    inner.cast().as_ptr(),
                    &Operations::<T>::TABLE,
                    ptr::null_mut(),
                    timeline.id(),
                    seqno,
                );
                ARef::from_raw(inner.cast())
            })
        });

        if is_going {
            timeline::signal(&fence, Outcome::now(Err(ECANCELED)));
        }
        // INVARIANT: This is the first `Handle`, of what was made above.
        Self(ManuallyDrop::new(Handle {
            fence,
            _p: PhantomData,
        }))
    }

    #[inline]
    fn into_handle(self) -> Handle<T> {
        let mut this = ManuallyDrop::new(self);

        // SAFETY: `this` is not used or dropped afterwards.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }

    /// The fence, for those who wait.
    #[inline]
    pub fn fence(&self) -> &Fence {
        &self.0.fence
    }

    /// The fence, for a reservation object.
    #[inline]
    pub fn as_leaf(&self) -> &LeafFence {
        &self.0.fence
    }

    /// The work is done. The fence is signalled, or will be as soon as all before it in its context
    /// are.
    #[inline]
    pub fn signal(self) {
        self.end(Outcome::now(Ok(())));
    }

    /// As [`signal`](Self::signal), but the work was done at `timestamp`.
    #[inline]
    pub fn signal_at(self, timestamp: Instant<Monotonic>) {
        self.end(Outcome {
            result: Ok(()),
            timestamp,
        });
    }

    /// As [`signal`](Self::signal), but the work has failed.
    #[inline]
    pub fn signal_err(self, error: Error) {
        self.end(Outcome::now(Err(error)));
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
        self.into_handle().end(Outcome::now(result), false).data
    }

    #[inline]
    fn end(self, outcome: Outcome) {
        self.into_handle().end(outcome, false).dispose();
    }
}

impl<T: FenceOps> Deref for DriverFence<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.inner().owned.data
    }
}

impl<T: FenceOps> Drop for DriverFence<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: This is the end of the object.
        let handle = unsafe { ManuallyDrop::take(&mut self.0) };

        handle.end(Outcome::now(Err(ECANCELED)), true).dispose();
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
