// SPDX-License-Identifier: GPL-2.0

//! Jobs that end with a fence.

use super::{
    carrier::{
        Carrier,
        Steps, //
    },
    token::{
        MaySleep,
        Signalling, //
    }, //
};
use crate::{
    dma_buf::dma_fence::{
        DriverFence,
        Fence,
        FenceContextOps,
        LeafFence,
        SignallingSection, //
    },
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        LockClassKey,
        Mutex,
        SpinLockIrq, //
    },
    workqueue::OwnedQueue,
};
use core::{
    mem,
    ops::Deref, //
};

/// Where jobs are run, and cleaned up afterwards.
///
/// Two queues, because what is left of a job takes reservation objects: who has one may wait for
/// another job, which may have to wait for its turn.
///
/// Dropping it waits for the jobs that run. Where jobs have a reference, whoever owns it
/// [flushes](Self::flush) it before: a queue that goes with its own last job waits for ever.
/// The last reference is dropped where it may sleep, when nobody is about to start a job.
pub struct JobQueue {
    // Dropped in this order: jobs go from the first to the second.
    run: Arc<OwnedQueue>,
    clean_up: Arc<OwnedQueue>,
}

impl JobQueue {
    /// New queues. Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn new(name: &CStr) -> Result<Self> {
        Ok(Self {
            run: Arc::new(OwnedQueue::new(name)?, GFP_KERNEL)?,
            clean_up: Arc::new(OwnedQueue::new(name)?, GFP_KERNEL)?,
        })
    }

    /// Waits until nothing is left of the jobs that were started. Sleeps.
    ///
    /// What a job does must not call this, nor must who holds what a job drops or cleans up.
    #[inline]
    pub fn flush(&self) {
        self.run.flush();
        self.clean_up.flush();
    }
}

/// What a job does.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{
///     Fence, FenceContext, FenceContextOps, JobQueue, Signalling, SignallingJob, SignallingWork,
/// };
/// use kernel::sync::{aref::ARef, Arc};
///
/// struct Ring;
///
/// impl FenceContextOps for Ring {
///     type FenceDataType = ();
/// }
///
/// struct Draw {
///     queue: Arc<JobQueue>,
///     has_pixels: bool,
/// }
///
/// impl SignallingWork for Draw {
///     type Ops = Ring;
///
///     fn queue(&self) -> &JobQueue {
///         &self.queue
///     }
///
///     fn run(&self, _fence: &Fence, _signalling: &Signalling) -> Result {
///         if self.has_pixels { Ok(()) } else { Err(EINVAL) }
///     }
/// }
///
/// let queue = Arc::new(JobQueue::new(c"example")?, GFP_KERNEL)?;
/// let ring = KBox::pin_init(FenceContext::new(1, c"example", c"ring", Ring), GFP_KERNEL)?;
///
/// // What may fail, as long as nobody knows of the job.
/// let job = SignallingJob::new(Draw { queue: queue.clone(), has_pixels: true })?;
/// let fence = ring.new_fence_allocation(())?.new_fence().detach();
/// let shared = ARef::from(fence.as_fence());
///
/// job.publish(fence, |_fence| {
///     // Here it is added to reservation objects, with slots that were reserved before.
/// });
/// job.start();
/// shared.wait();
/// queue.flush();
/// # Ok::<(), Error>(())
/// ```
pub trait SignallingWork: Sized + Send + Sync + 'static {
    /// What the job's fence is of.
    type Ops: FenceContextOps;

    /// Where it is run: always the same.
    fn queue(&self) -> &JobQueue;

    /// Does all that is to be done before the fence is signalled, with what this returns.
    ///
    /// May sleep as long as that does not wait for memory, for a reservation object or for a fence.
    fn run(&self, fence: &Fence, signalling: &Signalling) -> Result;

    /// Called afterwards, where nobody waits for the job, for each that was started, also if it had
    /// no fence and so was not run. Then it is dropped, unless there are clones.
    #[inline]
    fn clean_up(&self, _may_sleep: &MaySleep) {}
}

/// A job: a [`SignallingWork`], to which it derefs, and its fence. Clones are the same job.
///
/// If the job has what takes reservation objects when it is dropped, then a clone that may be the
/// last is not to be dropped where one is held. That is also said of [`start`](Self::start) by who
/// may not be the first to do that: he keeps another clone until all is unlocked.
///
/// Whatever happens to it, the fence is signalled at last: if it is dropped before it has run, with
/// an error.
pub struct SignallingJob<T: SignallingWork>(Arc<Inner<T>>);

/// Not for others: who could call what a work item does would have a token anywhere.
#[pin_data]
struct Inner<T: SignallingWork> {
    // Dropped in this order: first those who wait go on.
    #[pin]
    state: Mutex<State<T::Ops>>,
    /// Until it is started.
    #[pin]
    carrier: SpinLockIrq<Option<Pin<KBox<Carrier>>>>,
    #[pin]
    work: T,
}

/// What has become of a job's fence.
enum State<T: FenceContextOps> {
    New,
    Published(DriverFence<'static, T>),
    /// The job has run, or there was nothing to run for.
    Over,
}

impl<T: SignallingWork> SignallingJob<T> {
    /// A job without a fence. The module that `T` is in stays until nothing is left of it.
    ///
    /// Fails with `ENOENT` if that module is about to be unloaded, with `ENOMEM`, or as `work`
    /// does. May sleep.
    #[inline]
    pub fn new<E>(work: impl PinInit<T, E>) -> Result<Self>
    where
        Error: From<E>,
    {
        let [state, carrier] = lock_classes();
        let new = Carrier::new(<Inner<T> as Steps>::run as *const () as usize)?;

        Ok(Self(Arc::try_pin_init(
            try_pin_init!(Inner {
                state <- Mutex::new(State::New, state.0, state.1),
                carrier <- SpinLockIrq::new(Some(new), carrier.0, carrier.1),
                work <- work,
            }? Error),
            GFP_KERNEL,
        )?))
    }

    /// Shows the fence to others, which is what `f` does, and gives it to the job, which has none
    /// yet. Cannot fail, and neither can `f`.
    ///
    /// The job is to be [started](Self::start) then, or to be dropped. If it was started before,
    /// and is over, the fence is signalled at once, with an error. Reservation objects may be held,
    /// and are by whoever has the slots.
    #[inline]
    pub fn publish(&self, fence: DriverFence<'static, T::Ops>, f: impl FnOnce(&LeafFence)) {
        let _section = SignallingSection::begin();

        f(fence.as_leaf());
        let mut state = self.0.state.lock();
        let unused = match &*state {
            State::Over => State::Published(fence),
            _ => mem::replace(&mut *state, State::Published(fence)),
        };

        drop(state);
        drop(unused);
    }

    /// Has the job run, if it has a fence, and cleaned up. Nothing happens if it was started
    /// before. Any context.
    #[inline]
    pub fn start(self) {
        let Some(carrier) = self.0.carrier.lock().take() else {
            return;
        };

        // It may have run, and be gone, before this returns.
        let queue = self.0.work.queue().run.clone();
        carrier.start(self.0, &queue);
    }
}

impl<T: SignallingWork> Clone for SignallingJob<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: SignallingWork> Deref for SignallingJob<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0.work
    }
}

impl<T: SignallingWork> Steps for Inner<T> {
    fn run(&self) {
        Signalling::enter(|signalling| {
            let state = mem::replace(&mut *self.state.lock(), State::Over);

            if let State::Published(fence) = state {
                let result = self.work.run(fence.as_fence(), signalling);

                fence.signal(result);
            }
        });
    }

    fn clean_up(&self) {
        MaySleep::enter(|may_sleep| self.work.clean_up(may_sleep));
    }

    fn clean_up_queue(&self) -> Arc<OwnedQueue> {
        self.work.queue().clean_up.clone()
    }
}

/// Of all jobs. In the kernel and not in a driver, as are the names: lockdep wants a class to have
/// the same string.
#[inline(never)]
fn lock_classes() -> [(&'static CStr, Pin<&'static LockClassKey>); 2] {
    [
        (c"dma_buf::SignallingJob::state", static_lock_class!()),
        (c"dma_buf::SignallingJob::carrier", static_lock_class!()),
    ]
}
