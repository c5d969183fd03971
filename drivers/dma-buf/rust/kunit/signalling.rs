// SPDX-License-Identifier: GPL-2.0

//! Jobs that end with a fence, and interrupts that signal some.

use kernel::prelude::*;

#[kunit_tests(rust_dma_signalling)]
mod tests {
    use super::*;
    use crate::{
        exporter::text,
        importing::{
            device,
            DIR, //
        },
        mock::*,
    };
    use kernel::{
        dma_buf::{
            importer::{
                Attachment,
                EmulatedDevice,
                Mapping,
                Vmap, //
            },
            AfterSignal,
            Fence,
            FenceContext,
            FenceStatus,
            JobQueue,
            MaySleep,
            Resv,
            Signalling,
            SignallingHandler,
            SignallingInterrupt,
            SignallingJob,
            SignallingWork,
            Usage, //
        },
        irq::{
            Handler,
            IrqReturn, //
        },
        sync::{
            aref::ARef,
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc, //
        },
    };

    /// What happens to a job, in the order of their numbers.
    struct Steps {
        next: Atomic<u32>,
        ran: Atomic<u32>,
        cleaned_up: Atomic<u32>,
        dropped: Atomic<u32>,
        was_signaled: Atomic<bool>,
    }

    impl Steps {
        fn new() -> Result<Arc<Self>> {
            Ok(Arc::new(
                Self {
                    next: Atomic::new(1),
                    ran: Atomic::new(0),
                    cleaned_up: Atomic::new(0),
                    dropped: Atomic::new(0),
                    was_signaled: Atomic::new(false),
                },
                GFP_KERNEL,
            )?)
        }

        fn note(&self, step: &Atomic<u32>) {
            step.store(self.next.fetch_add(1, Relaxed), Relaxed);
        }

        fn all(&self) -> [u32; 3] {
            [&self.ran, &self.cleaned_up, &self.dropped].map(|step| step.load(Relaxed))
        }
    }

    struct Work {
        queue: Arc<JobQueue>,
        steps: Arc<Steps>,
        result: Result,
        fence: Option<ARef<Fence>>,
        /// What takes the lock when it goes.
        memory: Option<AfterSignal<Mapping<Attachment<EmulatedDevice>>>>,
        contents: Option<AfterSignal<Vmap>>,
    }

    impl Work {
        fn new(queue: &Arc<JobQueue>, steps: &Arc<Steps>, result: Result) -> Self {
            Self {
                queue: queue.clone(),
                steps: steps.clone(),
                result,
                fence: None,
                memory: None,
                contents: None,
            }
        }
    }

    impl Drop for Work {
        fn drop(&mut self) {
            self.steps.note(&self.steps.dropped);
        }
    }

    impl SignallingWork for Work {
        type Ops = Plain;

        fn queue(&self) -> &JobQueue {
            &self.queue
        }

        fn run(&self, fence: &Fence, signalling: &Signalling) -> Result {
            self.steps.was_signaled.store(fence.is_signaled(), Relaxed);
            self.steps.note(&self.steps.ran);
            if let (Some(memory), Some(contents)) = (&self.memory, &self.contents) {
                let (mut by_device, mut by_cpu) = ([0; 4], [0; 4]);

                memory.view(signalling).reader().read(&mut by_device)?;
                contents.view(signalling).read(0, &mut by_cpu)?;
                if by_device != by_cpu || &by_cpu != b"text" {
                    return Err(EIO);
                }
            }
            self.result
        }

        fn clean_up(&self, may_sleep: &MaySleep) {
            if let Some(fence) = &self.fence {
                assert!(fence.is_signaled());
            }
            if let Some(contents) = &self.contents {
                drop(contents.get(may_sleep).buffer().resv().lock());
            }
            self.steps.note(&self.steps.cleaned_up);
        }
    }

    fn queue() -> Result<Arc<JobQueue>> {
        Ok(Arc::new(JobQueue::new(c"rust-dma-kunit")?, GFP_KERNEL)?)
    }

    #[test]
    fn in_order() -> Result {
        let (queue, steps, context) = (queue()?, Steps::new()?, context()?);
        let fence = fence_of(&context)?.detach();
        let shared = share(&fence);
        let mut work = Work::new(&queue, &steps, Ok(()));
        work.fence = Some(shared.clone());

        let job = SignallingJob::new(work)?;
        job.publish(fence, |fence| assert!(!fence.is_signaled()));
        assert!(!shared.is_signaled());
        job.start();
        shared.wait();
        queue.flush();
        assert_eq!(shared.status(), FenceStatus::Signaled(Ok(())));
        assert!(!steps.was_signaled.load(Relaxed));
        assert_eq!(steps.all(), [1, 2, 3]);
        Ok(())
    }

    #[test]
    fn that_fails() -> Result {
        let (queue, steps, context) = (queue()?, Steps::new()?, context()?);
        let fence = fence_of(&context)?.detach();
        let shared = share(&fence);
        let job = SignallingJob::new(Work::new(&queue, &steps, Err(EIO)))?;

        job.publish(fence, |_| ());
        job.start();
        queue.flush();
        assert_eq!(shared.status(), FenceStatus::Signaled(Err(EIO)));
        assert_eq!(steps.all(), [1, 2, 3]);
        Ok(())
    }

    /// A job that is given up, and one that has nothing to signal.
    #[test]
    fn that_does_not_run() -> Result {
        let (queue, steps, context) = (queue()?, Steps::new()?, context()?);
        let fence = fence_of(&context)?.detach();
        let shared = share(&fence);
        let job = SignallingJob::new(Work::new(&queue, &steps, Ok(())))?;

        job.publish(fence, |_| ());
        drop(job);
        assert_eq!(shared.status(), FenceStatus::Signaled(Err(ECANCELED)));
        assert_eq!(steps.all(), [0, 0, 1]);

        // Started without a fence there is nothing to run, and what is left goes where all goes.
        SignallingJob::new(Work::new(&queue, &steps, Ok(())))?.start();
        queue.flush();
        assert_eq!(steps.all(), [0, 2, 3]);
        Ok(())
    }

    /// A fence that comes too late is not left to a job that is over.
    #[test]
    fn that_is_over() -> Result {
        let (queue, steps, context) = (queue()?, Steps::new()?, context()?);
        let fence = fence_of(&context)?.detach();
        let shared = share(&fence);
        let job = SignallingJob::new(Work::new(&queue, &steps, Ok(())))?;

        job.clone().start();
        queue.flush();
        job.publish(fence, |_| ());
        assert_eq!(shared.status(), FenceStatus::Signaled(Err(ECANCELED)));
        Ok(())
    }

    /// Started twice, with somebody left who has it: it runs once.
    #[test]
    fn twice() -> Result {
        let (queue, steps, context) = (queue()?, Steps::new()?, context()?);
        let fence = fence_of(&context)?.detach();
        let job = SignallingJob::new(Work::new(&queue, &steps, Ok(())))?;

        job.publish(fence, |_| ());
        job.clone().start();
        queue.flush();
        job.clone().start();
        queue.flush();
        assert_eq!(steps.all(), [1, 2, 0]);
        drop(job);
        assert_eq!(steps.all(), [1, 2, 3]);
        Ok(())
    }

    /// The lock is held when the fence is shown and while the job runs, which needs no lock for
    /// what it looks at. What is left takes it.
    #[test]
    fn with_the_lock_held() -> Result {
        let (queue, steps, context) = (queue()?, Steps::new()?, context()?);
        let buf = text(0)?;
        let memory = Attachment::new(buf.clone(), device()?)?.into_mapping(DIR)?;
        let mut work = Work::new(&queue, &steps, Ok(()));
        work.contents = Some(AfterSignal::new(buf.vmap()?));
        work.memory = Some(AfterSignal::new(memory));
        let (job, fence) = (SignallingJob::new(work)?, fence_of(&context)?.detach());

        let mut guard = buf.resv().lock();
        let slot = guard.reserve_fences(1)?.take().ok_or(ENOSPC)?;
        job.publish(fence, |fence| slot.add(fence, Usage::Write));
        job.start();
        buf.resv().wait(Usage::Write);
        assert_eq!(steps.ran.load(Relaxed), 1);
        assert_eq!(steps.dropped.load(Relaxed), 0);
        for fence in guard.fences(Usage::Write) {
            assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
        }
        drop(guard);
        queue.flush();
        assert_eq!(steps.all(), [1, 2, 3]);
        Ok(())
    }

    /// Jobs go on although what is left of others waits for a lock.
    #[test]
    fn behind_a_lock() -> Result {
        let (queue, steps, context) = (queue()?, Steps::new()?, context()?);
        let buf = text(0)?;
        let (mut jobs, mut last) = (KVec::new(), None);

        for _ in 0..8 {
            let mut work = Work::new(&queue, &steps, Ok(()));
            work.contents = Some(AfterSignal::new(buf.vmap()?));
            jobs.push(SignallingJob::new(work)?, GFP_KERNEL)?;
        }
        let guard = buf.resv().lock();
        for job in jobs {
            let fence = fence_of(&context)?.detach();

            last = Some(share(&fence));
            job.publish(fence, |_| ());
            job.start();
        }
        last.ok_or(EINVAL)?.wait();
        assert_eq!(steps.cleaned_up.load(Relaxed), 0);
        drop(guard);
        queue.flush();
        assert!(steps.cleaned_up.load(Relaxed) != 0);
        Ok(())
    }

    #[test]
    fn into_inner() -> Result {
        struct Taken {
            queue: Arc<JobQueue>,
            resv: kernel::sync::SetOnce<AfterSignal<Arc<Resv>>>,
            locked: Arc<Atomic<bool>>,
        }

        impl SignallingWork for Taken {
            type Ops = Plain;

            fn queue(&self) -> &JobQueue {
                &self.queue
            }

            fn run(&self, _fence: &Fence, _signalling: &Signalling) -> Result {
                Ok(())
            }

            fn clean_up(&self, may_sleep: &MaySleep) {
                if let Some(resv) = self.resv.as_ref() {
                    let resv = AfterSignal::new(resv.get(may_sleep).clone()).into_inner(may_sleep);

                    self.locked.store(resv.try_lock().is_some(), Relaxed);
                }
            }
        }

        let (queue, context) = (queue()?, context()?);
        let locked = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let resv = kernel::sync::SetOnce::new();
        resv.populate(AfterSignal::new(Arc::pin_init(Resv::new(), GFP_KERNEL)?));
        let job = SignallingJob::new(Taken {
            queue: queue.clone(),
            resv,
            locked: locked.clone(),
        })?;

        job.publish(fence_of(&context)?.detach(), |_| ());
        job.start();
        queue.flush();
        assert!(locked.load(Relaxed));
        Ok(())
    }

    /// An interrupt that tells of the end of many jobs.
    struct Device {
        context: Pin<KBox<FenceContext<Plain>>>,
        done: Atomic<u64>,
    }

    impl SignallingHandler for Device {
        fn handle(&self, _signalling: &Signalling) -> IrqReturn {
            self.context.signal_through(self.done.load(Relaxed));
            IrqReturn::Handled
        }
    }

    #[test]
    fn by_interrupt() -> Result {
        let interrupt = SignallingInterrupt::new(Device {
            context: context()?,
            done: Atomic::new(0),
        });
        let mut fences = KVec::new();

        for _ in 0..5 {
            fences.push(fence_of(&interrupt.context)?, GFP_KERNEL)?;
        }
        let seqno = |index: usize| {
            fences
                .get(index)
                .map_or(0, |fence| fence.as_fence().seqno())
        };
        let signaled = || {
            fences
                .iter()
                .filter(|fence| fence.as_fence().is_signaled())
                .count()
        };

        assert!(matches!(interrupt.handle(), IrqReturn::Handled));
        assert_eq!(signaled(), 0);
        interrupt.done.store(seqno(2), Relaxed);
        interrupt.handle();
        assert_eq!(signaled(), 3);
        interrupt.done.store(seqno(4), Relaxed);
        interrupt.handle();
        assert_eq!(signaled(), 5);
        Ok(())
    }
}
