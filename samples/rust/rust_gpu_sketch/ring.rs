// SPDX-License-Identifier: GPL-2.0

//! Jobs, and the rings that do one after the other.
//!
//! A work item plays the hardware. It runs when all that the job waits for is signalled, which the
//! last of these fences finds out: nobody sleeps meanwhile. What is left of the job takes the locks
//! of buffers: [`SignallingJob`] sees to it that nobody waits for that.

use super::{
    import::Counters,
    memory::Bytes,
    vram::PART, //
};
use kernel::{
    dma_buf::{
        CallbackError,
        Fence,
        FenceCallback,
        FenceCallbackRegistration,
        FenceContext,
        FenceContextOps,
        JobQueue,
        MaySleep,
        Signalling,
        SignallingJob,
        SignallingWork, //
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
};

/// What happens when somebody waits for a fence of a ring: nothing.
pub(crate) struct Rendering;

impl FenceContextOps for Rendering {
    type FenceDataType = ();
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
    queue: Arc<JobQueue>,
}

const TIMEOUT: Delta = Delta::from_millis(kernel::uapi::DRM_GPU_SKETCH_TIMEOUT_MS as i64);

impl Ring {
    pub(crate) fn new(queue: &Arc<JobQueue>, counters: &Arc<Counters>) -> Result<Arc<Self>> {
        Arc::try_pin_init(
            try_pin_init!(Self {
                context <- FenceContext::new(1, c"rust-gpu-sketch", c"ring", Rendering),
                last <- new_mutex!(None),
                running: Atomic::new(0),
                condemned: Atomic::new(0),
                counters: counters.clone(),
                queue: queue.clone(),
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
pub(crate) struct Work {
    op: Op,
    bytes: KVec<Bytes>,
    /// How many fences it waits for, and one for who submits it.
    missing: Atomic<u32>,
    #[pin]
    waits: Mutex<Waits>,
    ring: Arc<Ring>,
}

pub(crate) type Job = SignallingJob<Work>;

/// The callbacks that a job waits for.
pub(crate) type Waits = KVec<Pin<KBox<FenceCallbackRegistration<Ready>>>>;

/// One of the fences that a job waits for.
pub(crate) struct Ready(Option<Job>);

impl FenceCallback for Ready {
    fn on_signal(&mut self) {
        if let Some(job) = self.0.take() {
            Work::one_less(job);
        }
    }
}

impl Work {
    pub(crate) fn new(ring: &Arc<Ring>, op: Op, bytes: KVec<Bytes>) -> Result<Job> {
        Job::new(pin_init!(Self {
            op,
            bytes,
            missing: Atomic::new(1),
            waits <- new_mutex!(KVec::new()),
            ring: ring.clone(),
        }))
    }

    /// The job shall wait for `fence`, with what goes into `waits`. That refers to the job: if it
    /// is not submitted it is to be dropped.
    pub(crate) fn wait_for(job: &Job, fence: &Fence, waits: &mut Waits) -> Result {
        let ready = Ready(Some(job.clone()));

        waits.reserve(1, GFP_KERNEL)?;
        job.missing.add(1, Relaxed);
        match KBox::try_pin_init(FenceCallbackRegistration::new(fence, ready), GFP_KERNEL) {
            Ok(wait) => waits.push(wait, GFP_KERNEL)?,
            Err(CallbackError::AlreadySignaled(_)) => {
                job.missing.fetch_sub(1, Relaxed);
            }
            Err(CallbackError::Other(err)) => return Err(err),
        }
        Ok(())
    }

    /// From here on the job, whose fence is published, runs when nothing is missing. Cannot fail.
    pub(crate) fn submit(job: Job, waits: Waits) {
        *job.waits.lock() = waits;
        Self::one_less(job);
    }

    fn one_less(job: Job) {
        if job.missing.fetch_sub(1, Full) == 1 {
            job.start();
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
        signalling: &Signalling,
        end: usize,
        check: impl Fn() -> Result,
        mut make: impl FnMut(usize, &mut [u8]) -> Result,
    ) -> Result {
        let to = self.bytes.first().ok_or(EINVAL)?;
        let (end, mut part) = (end.min(to.size(signalling)?), [0; PART]);

        for offset in (0..end).step_by(PART) {
            let part = part.get_mut(..PART.min(end - offset)).ok_or(EINVAL)?;

            check()?;
            make(offset, part)?;
            to.write(signalling, offset, part)?;
        }
        Ok(())
    }

    fn execute(&self, number: u64, signalling: &Signalling) -> Result {
        let since = Instant::now();
        let check = || self.check(number, since);

        match self.op {
            Op::Nop => Ok(()),
            Op::Fill(value) => self.write(signalling, usize::MAX, check, |_, part| {
                for word in part.chunks_mut(4) {
                    let value = value.to_ne_bytes();
                    word.copy_from_slice(value.get(..word.len()).ok_or(EINVAL)?);
                }
                Ok(())
            }),
            Op::Copy => {
                let from = self.bytes.get(1).ok_or(EINVAL)?;
                let end = from.size(signalling)?;

                self.write(signalling, end, check, |offset, part| {
                    from.read(signalling, offset, part)
                })
            }
            Op::Hang => loop {
                check()?;
                fsleep(Delta::from_millis(1));
            },
        }
    }
}

impl SignallingWork for Work {
    type Ops = Rendering;

    fn queue(&self) -> &JobQueue {
        &self.ring.queue
    }

    // Whoever waits for the fence may have the lock of a buffer, or want memory: nothing here may
    // wait for one of these.
    fn run(&self, fence: &Fence, signalling: &Signalling) -> Result {
        let (ring, number) = (&self.ring, fence.seqno());

        ring.running.store(number, Relaxed);
        let outcome = self.execute(number, signalling);
        ring.running.store(0, Relaxed);
        ring.counters.jobs.add(1, Relaxed);
        outcome
    }

    fn clean_up(&self, _may_sleep: &MaySleep) {
        // Callbacks may be on their way out still, and have references to the job. This waits for
        // them: what is dropped afterwards is dropped here, or by who has submitted it.
        let waits = core::mem::take(&mut *self.waits.lock());

        drop(waits);
    }
}
