// SPDX-License-Identifier: GPL-2.0

//! Work queues of a driver's own.

use super::{
    Queue,
    RawWorkItem, //
};
use crate::{
    bindings,
    interop::any_thread::AnyThread,
    prelude::*, //
};
use core::ptr::NonNull;

/// A work queue that belongs to a driver.
///
/// Dropping it waits for all work that was put there, until none of it is running any more. So a
/// module that has its work done by a queue of its own, and drops that before the rest, can be
/// unloaded without its code being in use. Must not be dropped by work in the queue itself.
///
/// It makes progress also where memory is short, so that work may signal the fences of buffers. No
/// work in the queue may then take a reservation object, or wait for fences, not even after it has
/// signalled its own: work that is to signal another may have to wait until it is done.
///
/// # Invariants
///
/// There is no delayed work for it.
///
/// # Examples
///
/// ```
/// use kernel::sync::{atomic::{Atomic, Relaxed}, Arc};
/// use kernel::workqueue::{impl_has_work, new_work, OwnedQueue, Work, WorkItem};
///
/// #[pin_data]
/// struct Job {
///     done: Atomic<bool>,
///     #[pin]
///     work: Work<Job>,
/// }
///
/// impl_has_work! {
///     impl HasWork<Self> for Job { self.work }
/// }
///
/// impl WorkItem for Job {
///     type Pointer = Arc<Job>;
///
///     fn run(this: Arc<Job>) {
///         this.done.store(true, Relaxed);
///     }
/// }
///
/// let queue = OwnedQueue::new(c"example")?;
/// let job = Arc::pin_init(
///     pin_init!(Job { done: Atomic::new(false), work <- new_work!("Job::work") }),
///     GFP_KERNEL,
/// )?;
///
/// assert!(queue.enqueue(job.clone()).is_ok());
/// drop(queue);
/// assert!(job.done.load(Relaxed));
/// # Ok::<(), Error>(())
/// ```
pub struct OwnedQueue(Allocated);

impl OwnedQueue {
    /// A new queue. Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn new(name: &CStr) -> Result<Self> {
        // INVARIANT: Nobody gets the pointer.
        Allocated::unbound(name, bindings::wq_flags_WQ_MEM_RECLAIM).map(Self)
    }

    /// Puts a work item there. See [`Queue::enqueue`].
    #[inline]
    pub fn enqueue<W, const ID: u64>(&self, work: W) -> W::EnqueueOutput
    where
        W: RawWorkItem<ID> + Send + 'static,
    {
        // SAFETY: By the type invariant the queue is there as long as `self` is borrowed.
        unsafe { Queue::from_raw(self.0.pointer().as_ptr()) }.enqueue(work)
    }

    /// Waits for the work that is there now.
    #[inline]
    pub fn flush(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::__flush_workqueue(self.0.pointer().as_ptr()) };
    }
}

/// A work queue without a type for what is put there.
///
/// # Invariants
///
/// The pointer is to a work queue that only this object destroys. Who puts delayed work there calls
/// it off before this is dropped.
pub(crate) struct Allocated(AnyThread<bindings::workqueue_struct>);

impl Allocated {
    /// A new queue whose work may run on any processor. Fails with `ENOMEM`. May sleep.
    #[inline]
    pub(crate) fn unbound(name: &CStr, flags: bindings::wq_flags) -> Result<Self> {
        // SAFETY: The format takes one string.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND | flags,
                0,
                name.as_char_ptr(),
            )
        };

        // INVARIANT: Made just above.
        NonNull::new(queue)
            .map(|queue| Self(AnyThread::new(queue)))
            .ok_or(ENOMEM)
    }

    /// The queue, which is there for as long as this.
    #[inline]
    pub(crate) fn pointer(&self) -> AnyThread<bindings::workqueue_struct> {
        self.0
    }
}

impl Drop for Allocated {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant; the call waits for the work.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}
