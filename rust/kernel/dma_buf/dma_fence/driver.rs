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
//! What else C reaches is the data of the context, in the same operations, and its names. Both are
//! [`shared`](super::shared) with the context, and each fence has a reference, which goes with the
//! fence's own data. So nothing hangs on a lifetime, and a fence may be forgotten: it is pending
//! for ever then, and keeps what it needs.
//!
//! The table has neither `release` nor `wait`, so that a fence forgets it as it is signalled, and
//! outlives its module. Until then it keeps the module loaded; who has read the pointer to the
//! table, or a name, just before that is in an RCU read-side critical section, and neither a module
//! nor the [`names`](super::names) are freed before those have ended.

use super::{
    head::Issued,
    inner::{
        Inner,
        Owned, //
    },
    leaf::LeafFence,
    lock::Locked,
    ops::FenceContextOps,
    raw::Fence,
    timeline::Outcome, //
};
use crate::{
    bindings,
    prelude::*,
    sync::atomic::Relaxed,
    time::{
        Instant,
        Monotonic, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr, //
};

/// The right to end a fence.
///
/// # Invariants
///
/// The fence is the beginning of an [`Inner<T>`], whose `owned` is there, and this is its only
/// `Handle`. Nobody else uses what is `owned`, except in an operation, before the fence is
/// signalled or closed and with its lock held.
struct Handle<T: FenceContextOps> {
    fence: Issued,
    data: PhantomData<T::FenceDataType>,
}

impl<T: FenceContextOps> Handle<T> {
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
        // MODEL: none, because it only decides about a warning.
        let is_missed = is_lost && self.fence.fields().refs.as_atomic().load(Relaxed) > 2;
        let inner = self.inner();
        inner.head.inside.assert_outside();

        let is_news = inner.owned.shared.timeline.end(self.fence.seqno(), outcome);
        // Also if it is signalled: whoever was in an operation has left the data behind the lock.
        let locked = Locked::new(&self.fence);
        // MODEL: driver-fence
        inner.head.closed.store(true, Relaxed);
        drop(locked);

        if is_missed && is_news {
            let names = inner.owned.shared.names.get();

            warn_dropped(&self.fence, &names.driver, &names.timeline);
        }
        let inner: *const Inner<T> = self.fence.as_raw().cast();
        // SAFETY: By the type invariant `owned` is there and, as the fence is closed, nobody else
        // uses it any more. This is the end of the only `Handle`, so it happens once.
        unsafe { ptr::read(&raw const (*inner).owned) }
    }
}

/// A fence that its owner has to signal.
///
/// There is one `DriverFence` for a fence; everybody else has a [`Fence`], which cannot signal. If
/// it is dropped, its fence is signalled with `ECANCELED`, so that nobody waits for ever; if others
/// have it by then the kernel warns, because a job was lost. Derefs to the driver's data, which can
/// be taken back when the fence is signalled, or is dropped then, where that
/// [may be done](FenceContextOps::ATOMIC_DROP).
///
/// The code between the moment when others can see the fence and the moment when it is signalled
/// belongs into a [`SignallingSection`](super::SignallingSection).
///
/// Signalling from inside one of the fence's own [operations](FenceContextOps) or callbacks is a
/// bug that stops the kernel.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{DriverFence, FenceContext, FenceContextOps, FenceStatus};
/// use kernel::sync::aref::ARef;
///
/// struct Queue;
///
/// struct Job {
///     id: u32,
/// }
///
/// impl FenceContextOps for Queue {
///     type FenceDataType = Job;
/// }
///
/// let queue = KBox::pin_init(FenceContext::new(1, c"example", c"queue", Queue), GFP_KERNEL)?;
///
/// // This may fail...
/// let memory = queue.new_fence_allocation(Job { id: 7 })?;
/// // ... and this may not.
/// let job: DriverFence<'_, Queue> = memory.new_fence();
/// let fence = ARef::from(job.as_fence());
///
/// assert_eq!(job.id, 7);
/// assert_eq!(fence.context(), queue.id());
/// assert_eq!(fence.status(), FenceStatus::Pending);
/// job.signal(Ok(()));
/// assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
///
/// let lost = queue.new_fence_allocation(Job { id: 8 })?.new_fence();
/// let fence = ARef::from(lost.as_fence());
/// drop(lost);
/// assert_eq!(fence.status(), FenceStatus::Signaled(Err(ECANCELED)));
/// # Ok::<(), Error>(())
/// ```
#[must_use = "a fence that is dropped is signalled with an error"]
pub struct DriverFence<'a, T: FenceContextOps>(ManuallyDrop<Handle<T>>, PhantomData<&'a T>);

impl<'a, T: FenceContextOps> DriverFence<'a, T> {
    /// # Safety
    ///
    /// The fence must be the beginning of an [`Inner<T>`], whose `owned` is there, and no other
    /// `DriverFence` of it be used.
    #[inline]
    pub(super) unsafe fn from_issued(fence: Issued) -> Self {
        // INVARIANT: By the caller's guarantee.
        let handle = Handle {
            fence,
            data: PhantomData,
        };

        Self(ManuallyDrop::new(handle), PhantomData)
    }

    /// Gives up the right to end the fence.
    #[inline]
    pub(super) fn into_issued(self) -> Issued {
        self.into_handle().fence
    }

    #[inline]
    fn into_handle(self) -> Handle<T> {
        let mut this = ManuallyDrop::new(self);

        // SAFETY: `this` is not used or dropped afterwards.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }

    /// The same fence, for who cannot keep the context where it is: a job that goes from one thread
    /// to another, for instance. What the fence needs of the context, it keeps.
    #[inline]
    pub fn detach(self) -> DriverFence<'static, T> {
        // INVARIANT: It is the same, and the lifetime stands for nothing that it depends on.
        DriverFence(ManuallyDrop::new(self.into_handle()), PhantomData)
    }

    /// The fence, for those who wait.
    #[inline]
    pub fn as_fence(&self) -> &Fence {
        &self.0.fence
    }

    /// The fence, for a reservation object.
    #[inline]
    pub fn as_leaf(&self) -> &LeafFence {
        &self.0.fence
    }

    /// The work is done, or has failed. The fence is signalled, or will be as soon as all before it
    /// in its context are.
    #[inline]
    pub fn signal(self, result: Result) {
        self.end(Outcome::now(result));
    }

    /// As [`signal`](Self::signal), but that was at `timestamp`.
    #[inline]
    pub fn signal_at(self, result: Result, timestamp: Instant<Monotonic>) {
        self.end(Outcome { result, timestamp });
    }

    /// As [`signal`](Self::signal), and gives back the data, for the caller to drop where it may.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::{FenceContext, FenceContextOps};
    ///
    /// struct Queue;
    /// struct Job(KVec<u32>);
    ///
    /// impl FenceContextOps for Queue {
    ///     type FenceDataType = Job;
    /// }
    ///
    /// let queue = KBox::pin_init(FenceContext::new(1, c"example", c"queue", Queue), GFP_KERNEL)?;
    /// let job = queue.new_fence_allocation(Job(KVec::new()))?.new_fence();
    ///
    /// let Job(registers) = job.signal_and_take(Ok(()));
    /// assert!(registers.is_empty());
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    #[must_use = "what is not wanted back is better left to `signal`"]
    pub fn signal_and_take(self, result: Result) -> T::FenceDataType {
        self.into_handle()
            .end(Outcome::now(result), false)
            .into_data()
    }

    #[inline]
    fn end(self, outcome: Outcome) {
        self.into_handle().end(outcome, false).dispose();
    }
}

// What it refers to does not move with it.
impl<T: FenceContextOps> Unpin for DriverFence<'_, T> {}

impl<T: FenceContextOps> Deref for DriverFence<'_, T> {
    type Target = T::FenceDataType;

    #[inline]
    fn deref(&self) -> &T::FenceDataType {
        &self.0.inner().owned.data
    }
}

impl<T: FenceContextOps> Drop for DriverFence<'_, T> {
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
