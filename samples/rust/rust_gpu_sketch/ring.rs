// SPDX-License-Identifier: GPL-2.0

//! Jobs, and the rings that do one after the other.
//!
//! A work item plays the hardware. It runs when all that the job waits for is signalled, which the
//! last of these fences finds out: nobody sleeps meanwhile.

use super::{
    import::Counters,
    memory::Bytes,
    vram::PART, //
};
use kernel::{
    dma_buf::{
        CallbackError,
        DriverFence,
        Fence,
        FenceCallback,
        FenceCallbackRegistration,
        FenceContext,
        FenceContextOps,
        SignallingSection, //
    },
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
    workqueue::{
        impl_has_work,
        new_work,
        OwnedQueue,
        Work,
        WorkItem, //
    },
};

/// What happens when somebody waits for a fence of a ring: nothing.
pub(crate) struct Rendering;

impl FenceContextOps for Rendering {
    type FenceDataType = ();
}

/// Who does the work. What is left of jobs goes elsewhere, see [`Job::run`].
pub(crate) struct Queues {
    run: OwnedQueue,
    clean_up: OwnedQueue,
}

impl Queues {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                run: OwnedQueue::new(c"rust-gpu-sketch")?,
                clean_up: OwnedQueue::new(c"rust-gpu-sketch-cleanup")?,
            },
            GFP_KERNEL,
        )?)
    }

    /// Waits until nothing is left of the jobs that can run.
    pub(crate) fn flush(&self) {
        self.run.flush();
        self.clean_up.flush();
    }
}

/// A ring.
#[pin_data]
pub(crate) struct Ring {
    #[pin]
    pub(crate) context: FenceContext<Rendering>,
    /// The fence of the last job, which the next one waits for. Who has this locked submits.
    #[pin]
    pub(crate) last: Mutex<Option<ARef<Fence>>>,
    /// The numbers of the job that is running, and of one that is to be stopped.
    running: Atomic<u64>,
    condemned: Atomic<u64>,
    counters: Arc<Counters>,
    queues: Arc<Queues>,
}

const TIMEOUT: Delta = Delta::from_millis(kernel::uapi::DRM_GPU_SKETCH_TIMEOUT_MS as i64);

impl Ring {
    pub(crate) fn new(queues: &Arc<Queues>, counters: &Arc<Counters>) -> Result<Arc<Self>> {
        Arc::try_pin_init(
            try_pin_init!(Self {
                context <- FenceContext::new(1, c"rust-gpu-sketch", c"ring", Rendering),
                last <- new_mutex!(None),
                running: Atomic::new(0),
                condemned: Atomic::new(0),
                counters: counters.clone(),
                queues: queues.clone(),
            }),
            GFP_KERNEL,
        )
    }

    /// Fails what is running now. What comes after it has another number. Returns whether there
    /// was something.
    pub(crate) fn reset(&self) -> bool {
        let number = self.running.load(Relaxed);

        self.condemned.store(number, Relaxed);
        number != 0
    }
}

/// What a job is to do with the first and the second of its objects.
pub(crate) enum Op {
    Nop,
    Fill(u32),
    Copy,
    Hang,
}

impl Op {
    /// How many objects it needs.
    pub(crate) fn objects(&self) -> usize {
        match self {
            Self::Nop | Self::Hang => 0,
            Self::Fill(_) => 1,
            Self::Copy => 2,
        }
    }
}

/// A job.
#[pin_data]
pub(crate) struct Job {
    op: Op,
    bytes: KVec<Bytes>,
    /// How many fences it waits for, and one for who submits it.
    missing: Atomic<u32>,
    #[pin]
    waits: Mutex<Waits>,
    /// There until it is signalled. Whatever happens to a job, its fence is signalled at last: that
    /// is what drop does, with an error.
    #[pin]
    fence: Mutex<Option<DriverFence<'static, Rendering>>>,
    ring: Arc<Ring>,
    #[pin]
    run: Work<Job, RUN>,
    #[pin]
    clean_up: Work<Job, CLEAN_UP>,
}

/// What is to be done with a job, first the one, then the other.
const RUN: u64 = 0;
const CLEAN_UP: u64 = 1;

impl_has_work! {
    impl HasWork<Self, RUN> for Job { self.run }
    impl HasWork<Self, CLEAN_UP> for Job { self.clean_up }
}

/// The callbacks that a job waits for.
pub(crate) type Waits = KVec<Pin<KBox<FenceCallbackRegistration<Ready>>>>;

/// One of the fences that a job waits for.
pub(crate) struct Ready(Option<Arc<Job>>);

impl FenceCallback for Ready {
    fn on_signal(&mut self) {
        if let Some(job) = self.0.take() {
            Job::one_less(job);
        }
    }
}

impl Job {
    pub(crate) fn new(ring: &Arc<Ring>, op: Op, bytes: KVec<Bytes>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                op,
                bytes,
                missing: Atomic::new(1),
                waits <- new_mutex!(KVec::new()),
                fence <- new_mutex!(None),
                ring: ring.clone(),
                run <- new_work!("Job::run"),
                clean_up <- new_work!("Job::clean_up"),
            }),
            GFP_KERNEL,
        )
    }

    /// The job shall wait for `fence`, with what goes into `waits`. That refers to the job: if it
    /// is not submitted it is to be dropped.
    pub(crate) fn wait_for(this: &Arc<Self>, fence: &Fence, waits: &mut Waits) -> Result {
        let ready = Ready(Some(this.clone()));

        waits.reserve(1, GFP_KERNEL)?;
        this.missing.add(1, Relaxed);
        match KBox::try_pin_init(FenceCallbackRegistration::new(fence, ready), GFP_KERNEL) {
            Ok(wait) => waits.push(wait, GFP_KERNEL)?,
            Err(CallbackError::AlreadySignaled(_)) => {
                this.missing.fetch_sub(1, Relaxed);
            }
            Err(CallbackError::Other(err)) => return Err(err),
        }
        Ok(())
    }

    /// From here on the job runs when nothing is missing. Cannot fail.
    pub(crate) fn submit(this: Arc<Self>, fence: DriverFence<'static, Rendering>, waits: Waits) {
        *this.fence.lock() = Some(fence);
        *this.waits.lock() = waits;
        Self::one_less(this);
    }

    fn one_less(this: Arc<Self>) {
        if this.missing.fetch_sub(1, Full) == 1 {
            // It is in no queue yet.
            let ring = this.ring.clone();
            let _ = ring.queues.run.enqueue::<_, RUN>(this);
        }
    }

    fn check(&self, number: u64, since: Instant<Monotonic>) -> Result {
        let err = if self.ring.condemned.load(Relaxed) == number {
            ECANCELED
        } else if since.elapsed() > TIMEOUT {
            ETIME
        } else {
            return Ok(());
        };

        self.ring.counters.resets.add(1, Relaxed);
        Err(err)
    }

    /// Goes through the first object, part by part.
    fn write(
        &self,
        end: usize,
        check: impl Fn() -> Result,
        mut make: impl FnMut(usize, &mut [u8]) -> Result,
    ) -> Result {
        let to = self.bytes.first().ok_or(EINVAL)?;
        let (end, mut part) = (end.min(to.size()?), [0; PART]);

        for offset in (0..end).step_by(PART) {
            let part = part.get_mut(..PART.min(end - offset)).ok_or(EINVAL)?;

            check()?;
            make(offset, part)?;
            to.write(offset, part)?;
        }
        Ok(())
    }

    fn execute(&self, number: u64) -> Result {
        let since = Instant::now();
        let check = || self.check(number, since);

        match self.op {
            Op::Nop => Ok(()),
            Op::Fill(value) => self.write(usize::MAX, check, |_, part| {
                for word in part.chunks_mut(4) {
                    let value = value.to_ne_bytes();
                    word.copy_from_slice(value.get(..word.len()).ok_or(EINVAL)?);
                }
                Ok(())
            }),
            Op::Copy => {
                let from = self.bytes.get(1).ok_or(EINVAL)?;

                self.write(from.size()?, check, |offset, part| from.read(offset, part))
            }
            Op::Hang => loop {
                check()?;
                fsleep(Delta::from_millis(1));
            },
        }
    }
}

impl WorkItem<RUN> for Job {
    type Pointer = Arc<Self>;

    fn run(job: Arc<Self>) {
        let ring = job.ring.clone();
        {
            // Whoever waits for the fence may have the lock of a buffer, or want memory: nothing
            // here may wait for one of these. Lockdep tells us, if we let it know.
            let _section = SignallingSection::begin();
            let fence = job.fence.lock().take();

            if let Some(fence) = fence {
                let number = fence.as_fence().seqno();

                ring.running.store(number, Relaxed);
                let outcome = job.execute(number);
                ring.running.store(0, Relaxed);
                ring.counters.jobs.add(1, Relaxed);
                fence.signal(outcome);
            }
        }
        // What is left takes the locks of buffers. Who has one may wait for another job, which may
        // have to wait for us to end: so it is done elsewhere.
        let _ = ring.queues.clean_up.enqueue::<_, CLEAN_UP>(job);
    }
}

impl WorkItem<CLEAN_UP> for Job {
    type Pointer = Arc<Self>;

    fn run(job: Arc<Self>) {
        // Callbacks may be on their way out still, and have references to the job. This waits for
        // them, so that what is dropped afterwards is dropped here.
        let waits = core::mem::take(&mut *job.waits.lock());

        drop(waits);
        drop(job);
    }
}
