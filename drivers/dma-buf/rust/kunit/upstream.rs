// SPDX-License-Identifier: GPL-2.0

//! A driver that uses nothing but what upstream's `kernel::dma_buf::dma_fence` has, as its
//! documentation gives it.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence_upstream)]
mod tests {
    use core::ops::Deref;
    use kernel::{
        dma_buf::{
            dma_fence::{
                CallbackError,
                DriverFenceAllocation,
                DriverFenceBorrow, //
            },
            DriverFence,
            Fence,
            FenceCallback,
            FenceCallbackRegistration,
            FenceContext,
            FenceContextOps, //
        },
        prelude::*,
        sync::{
            aref::ARef,
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc, //
        },
        types::ForeignOwnable,
        xarray::{
            AllocKind,
            XArray, //
        },
    };

    #[pin_data]
    struct Ring {
        name: &'static CStr,
    }

    #[derive(Debug, PartialEq)]
    struct Job {
        id: u32,
    }

    impl FenceContextOps for Ring {
        type FenceDataType = Job;
    }

    type Context = Pin<KBox<FenceContext<Ring>>>;

    fn ring() -> Result<Context> {
        let data = Ring { name: c"ring" };

        KBox::pin_init(FenceContext::new(7, c"driver", data.name, data), GFP_KERNEL)
    }

    fn submit<T>(ring: &FenceContext<T>, data: T::FenceDataType) -> Result<DriverFence<'_, T>>
    where
        T: FenceContextOps + Send + Sync,
    {
        let allocation: DriverFenceAllocation<'_, T> = ring.new_fence_allocation(data)?;

        Ok(allocation.new_fence())
    }

    /// Counts, and owns something.
    struct Count {
        calls: Arc<Atomic<u32>>,
        own: u32,
    }

    impl FenceCallback for Count {
        fn on_signal(&mut self) {
            self.own += 1;
            self.calls.add(self.own, Relaxed);
        }
    }

    fn watch(
        fence: &Fence,
        calls: &Arc<Atomic<u32>>,
    ) -> Result<Pin<KBox<FenceCallbackRegistration<Count>>>, CallbackError<Count>> {
        let calls = calls.clone();
        let callback = Count { calls, own: 0 };

        KBox::try_pin_init(FenceCallbackRegistration::new(fence, callback), GFP_KERNEL)
    }

    #[test]
    fn numbers() -> Result {
        let ring = ring()?;
        let (first, second) = (submit(&ring, Job { id: 1 })?, submit(&ring, Job { id: 2 })?);

        assert_eq!(first.as_fence().seqno(), 7);
        assert_eq!(second.as_fence().seqno(), 8);
        assert_eq!((first.id, second.id), (1, 2));
        let data: &Job = second.deref();
        assert_eq!(*data, Job { id: 2 });
        first.signal(Ok(()));
        second.signal(Err(EIO));
        Ok(())
    }

    #[test]
    fn context_in_place() -> Result {
        #[pin_data]
        struct Device {
            #[pin]
            ring: FenceContext<Ring>,
        }

        let data = try_pin_init!(Ring { name: c"in place" }? Error);
        let device = KBox::pin_init(
            try_pin_init!(Device {
                ring <- FenceContext::new(0, c"driver", c"in place", data),
            }? Error),
            GFP_KERNEL,
        )?;
        let job = submit(&device.ring, Job { id: 1 })?;

        assert_eq!(job.as_fence().seqno(), 0);
        job.signal(Ok(()));
        Ok(())
    }

    #[test]
    fn signal() -> Result {
        let (ring, calls) = (ring()?, Arc::new(Atomic::new(0), GFP_KERNEL)?);
        let job = submit(&ring, Job { id: 1 })?;
        let fence: ARef<Fence> = job.as_fence().into();
        let registration = watch(&fence, &calls)?;

        assert!(!fence.is_signaled());
        assert!(!registration.fence().is_signaled());
        assert_eq!(calls.load(Relaxed), 0);
        job.signal(Ok(()));
        assert!(fence.is_signaled());
        assert_eq!(calls.load(Relaxed), 1);
        drop(registration);
        assert_eq!(calls.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn callback_taken_back() -> Result {
        let (ring, calls) = (ring()?, Arc::new(Atomic::new(0), GFP_KERNEL)?);
        let job = submit(&ring, Job { id: 1 })?;

        drop(watch(job.as_fence(), &calls)?);
        job.signal(Ok(()));
        assert_eq!(calls.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn callback_too_late() -> Result {
        let (ring, calls) = (ring()?, Arc::new(Atomic::new(0), GFP_KERNEL)?);
        let job = submit(&ring, Job { id: 1 })?;
        let fence: ARef<Fence> = job.as_fence().into();

        job.signal(Ok(()));
        match watch(&fence, &calls) {
            Err(CallbackError::AlreadySignaled(callback)) => assert_eq!(callback.own, 0),
            _ => return Err(EINVAL),
        }
        assert_eq!(calls.load(Relaxed), 0);
        assert_eq!(
            watch(&fence, &calls).map_err(Error::from).err(),
            Some(ENOENT)
        );
        Ok(())
    }

    #[test]
    fn dropped() -> Result {
        let (ring, calls) = (ring()?, Arc::new(Atomic::new(0), GFP_KERNEL)?);
        let job = submit(&ring, Job { id: 1 })?;
        let fence: ARef<Fence> = job.as_fence().into();
        let _registration = watch(&fence, &calls)?;

        drop(job);
        assert!(fence.is_signaled());
        assert_eq!(calls.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn jobs_in_an_xarray() -> Result {
        let ring = ring()?;
        let jobs = KBox::pin_init(XArray::new(AllocKind::Alloc), GFP_KERNEL)?;
        let mut fences: KVec<ARef<Fence>> = KVec::new();

        for id in 0..3 {
            let job = submit(&ring, Job { id })?;
            fences.push(job.as_fence().into(), GFP_KERNEL)?;
            jobs.lock().store(id as usize, job, GFP_KERNEL)?;
        }
        {
            let jobs = jobs.lock();
            let job: DriverFenceBorrow<'_, Ring> = jobs.get(1).ok_or(ENOENT)?;
            assert_eq!(job.id, 1);
            assert!(core::ptr::eq(job.as_fence(), &*fences[1]));
            assert!(!fences[1].is_signaled());
        }
        for id in 0..2 {
            let job = jobs.lock().remove(id).ok_or(ENOENT)?;
            job.signal(Ok(()));
        }
        assert!(fences[0].is_signaled() && fences[1].is_signaled());
        assert!(!fences[2].is_signaled());
        drop(jobs);
        assert!(fences[2].is_signaled());
        Ok(())
    }

    #[test]
    fn other_threads() {
        fn check<T: Send + Sync>() {}
        fn foreign<T: ForeignOwnable>() {}

        check::<Fence>();
        check::<FenceContext<Ring>>();
        check::<DriverFence<'_, Ring>>();
        check::<FenceCallbackRegistration<Count>>();
        foreign::<DriverFence<'_, Ring>>();
    }
}
