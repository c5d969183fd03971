// SPDX-License-Identifier: GPL-2.0

//! One fence alone.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence)]
mod tests {
    use crate::mock::*;
    use kernel::{
        dma_buf::{
            Fence,
            FenceContextOps,
            FenceStatus, //
        },
        prelude::*,
        sync::{
            aref::ARef,
            atomic::Relaxed,
            new_spinlock, //
        },
        time::{
            Delta,
            Instant, //
        },
    };
    use pin_init::stack_pin_init;

    #[test]
    fn stub() {
        let (a, b) = (Fence::stub(), Fence::stub());

        assert!(core::ptr::eq(&*a, &*b));
        assert!(a.is_signaled());
        assert_eq!(a.status(), FenceStatus::Signaled(Ok(())));
        assert!(a.timestamp().is_some_and(|at| !at.elapsed().is_negative()));
        assert!(!a.is_container());
        a.enable_signaling();
        a.wait();
        a.set_deadline(Instant::now());
    }

    #[test]
    fn private_stub() -> Result {
        let at = Instant::now() - Delta::from_micros(7);
        let (a, b) = (Fence::private_stub(at)?, Fence::private_stub(at)?);

        assert!(!core::ptr::eq(&*a, &*b));
        assert!(!core::ptr::eq(&*a, &*Fence::stub()));
        assert!(a.is_signaled());
        assert!(a.timestamp().is_some_and(|a| (a - at).is_zero()));
        Ok(())
    }

    #[test]
    fn numbers_count() -> Result {
        let (one, other) = (context()?, context()?);
        let (a, b, c) = (fence_of(&one)?, fence_of(&one)?, fence_of(&other)?);
        let (a, b, c) = (a.as_fence(), b.as_fence(), c.as_fence());

        assert!(one.id() != other.id());
        assert_eq!(a.context(), one.id());
        assert_eq!(a.seqno() + 1, b.seqno());
        assert_eq!(a.is_later_than(b), Some(false));
        assert_eq!(b.is_later_than(a), Some(true));
        assert_eq!(a.is_later_than(a), Some(false));
        assert_eq!(a.is_later_than(c), None);
        Ok(())
    }

    #[test]
    fn numbers_wrap() -> Result {
        let context = context()?;
        let later = |a: u64, b: u64, wide| -> Result<Option<bool>> {
            let (a, b) = (numbered(&context, a, wide)?, numbered(&context, b, wide)?);
            Ok(a.is_later_than(&b))
        };

        // With 32 bits a small number comes after a large one.
        assert_eq!(later(1, 0xffff_ffff, false)?, Some(true));
        assert_eq!(later(0xffff_ffff, 1, false)?, Some(false));
        assert_eq!(later(0x8000_0000, 0, false)?, Some(false));
        assert_eq!(later(0x7fff_ffff, 0, false)?, Some(true));
        assert_eq!(later(1 << 32, 1, false)?, Some(false));
        // With 64 bits it does not.
        assert_eq!(later(1, 0xffff_ffff, true)?, Some(false));
        assert_eq!(later(1 << 32, 0xffff_ffff, true)?, Some(true));
        assert_eq!(later(u64::MAX, 0, true)?, Some(true));
        Ok(())
    }

    #[test]
    fn signal() -> Result {
        let owner = fence()?;
        let fence = share(&owner);
        let before = Instant::now();

        assert!(!fence.is_signaled());
        assert_eq!(fence.status(), FenceStatus::Pending);
        assert!(fence.timestamp().is_none());
        owner.signal(Ok(()));
        assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
        assert!(fence
            .timestamp()
            .is_some_and(|at| !(at - before).is_negative() && !at.elapsed().is_negative()));
        Ok(())
    }

    #[test]
    fn signal_at() -> Result {
        let owner = fence()?;
        let fence = share(&owner);
        let at = Instant::now() - Delta::from_micros(7);

        owner.signal_at(Ok(()), at);
        assert!(fence.timestamp().is_some_and(|a| (a - at).is_zero()));
        Ok(())
    }

    #[test]
    fn signal_err() -> Result {
        let owner = fence()?;
        let fence = share(&owner);

        owner.signal(Err(ETIME));
        assert_eq!(fence.status(), FenceStatus::Signaled(Err(ETIME)));
        Ok(())
    }

    #[test]
    fn dropped_unsignaled() -> Result {
        let log = Log::new()?;
        let owner = logged(&log, false)?;
        let fence = share(&owner);

        fence.enable_signaling();
        drop(owner);
        assert_eq!(fence.status(), FenceStatus::Signaled(Err(ECANCELED)));
        log.wait_dropped(1);
        assert_eq!(log.dropped.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn data_goes_with_the_signal() -> Result {
        let log = Log::new()?;
        let owner = logged(&log, false)?;
        let fence = share(&owner);

        assert_eq!(log.dropped.load(Relaxed), 0);
        owner.signal(Ok(()));
        log.wait_dropped(1);
        assert_eq!(log.dropped.load(Relaxed), 1);
        fence.set_deadline(Instant::now());
        drop(fence);
        assert_eq!(log.dropped.load(Relaxed), 1);
        assert_eq!(log.deadlines.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn data_is_not_dropped_where_nobody_may_sleep() -> Result {
        stack_pin_init!(let lock = new_spinlock!(()));
        let log = Log::new()?;
        let (signaled, lost) = (logged(&log, false)?, logged(&log, false)?);
        let fence = share(&signaled);

        fence.enable_signaling();
        let guard = lock.lock();
        signaled.signal(Ok(()));
        drop(lost);
        drop(guard);

        assert!(fence.is_signaled());
        log.wait_dropped(2);
        assert!(log.was_dropped_elsewhere());
        assert_eq!(log.dropped.load(Relaxed), 2);
        Ok(())
    }

    #[test]
    fn data_that_may_be_dropped_anywhere_is_dropped_at_once() -> Result {
        struct Anywhere(Mock);

        struct Queue;

        impl FenceContextOps for Queue {
            type FenceDataType = Anywhere;

            const ATOMIC_DROP: bool = true;
        }

        let log = Log::new()?;
        let data = Anywhere(logged(&log, false)?.signal_and_take(Ok(())));
        let context = context_of(Queue)?;
        let owner = context.new_fence_allocation(data)?.new_fence();

        let _: &Mock = &owner.0;
        assert_eq!(log.dropped.load(Relaxed), 0);
        owner.signal(Ok(()));
        assert_eq!(log.dropped.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn data_is_given_back() -> Result {
        let log = Log::new()?;
        let (first, failed) = (logged(&log, false)?, logged(&log, false)?);
        let fences = [share(&first), share(&failed)];

        let data = (
            first.signal_and_take(Ok(())),
            failed.signal_and_take(Err(EIO)),
        );
        assert_eq!(fences[0].status(), FenceStatus::Signaled(Ok(())));
        assert_eq!(fences[1].status(), FenceStatus::Signaled(Err(EIO)));
        assert_eq!(log.dropped.load(Relaxed), 0);
        drop(data);
        assert_eq!(log.dropped.load(Relaxed), 2);
        Ok(())
    }

    /// The data is gone, and the fence waits for its turn.
    #[test]
    fn data_goes_before_its_turn() -> Result {
        let (log, context) = (Log::new()?, context_of(Logging)?);
        let first = logged_of(&context, &Log::new()?, false)?;
        let second = logged_of(&context, &log, false)?;
        let fence = share(&second);

        drop(second.signal_and_take(Ok(())));
        assert_eq!(log.dropped.load(Relaxed), 1);
        assert!(!fence.is_signaled());
        fence.enable_signaling();
        fence.set_deadline(Instant::now());
        assert_eq!(log.enabled.load(Relaxed), 0);
        assert_eq!(log.deadlines.load(Relaxed), 0);
        first.signal(Ok(()));
        assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
        Ok(())
    }

    /// What is found to be done when somebody asks waits for its turn, too.
    #[test]
    fn done_when_asked_out_of_turn() -> Result {
        let (log, context) = (Log::new()?, context_of(Logging)?);
        let first = logged_of(&context, &Log::new()?, false)?;
        let second = logged_of(&context, &log, true)?;
        let fence = share(&second);

        fence.enable_signaling();
        assert_eq!(log.enabled.load(Relaxed), 1);
        assert!(!fence.is_signaled());
        first.signal(Ok(()));
        assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
        second.signal(Err(EIO));
        assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
        Ok(())
    }

    // Who waits for the second has not asked the first.
    #[test]
    fn whoever_is_in_the_way_is_asked() -> Result {
        for done in [false, true] {
            let (log, context) = (Log::new()?, context_of(Logging)?);
            let first = logged_of(&context, &log, done)?;
            let [second, third] =
                [Log::new()?, Log::new()?].map(|log| logged_of(&context, &log, false));
            let (second, third) = (second?, third?);
            let fences = [share(&second), share(&third)];

            fences[0].enable_signaling();
            assert_eq!(log.enabled.load(Relaxed), 0);
            second.signal(Ok(()));
            assert_eq!(log.enabled.load(Relaxed), 1);
            assert_eq!(fences[0].is_signaled(), done);
            third.signal(Ok(()));
            assert_eq!(log.enabled.load(Relaxed), 1);
            assert_eq!(fences[1].is_signaled(), done);
            first.signal(Ok(()));
            assert!(fences.iter().all(|fence| fence.is_signaled()));
        }
        Ok(())
    }

    /// The next three fences of `context`, and references to them.
    fn three_of(context: &Context) -> Result<([PlainFence; 3], [ARef<Fence>; 3])> {
        let owners = [fence_of(context)?, fence_of(context)?, fence_of(context)?];
        let fences = owners.each_ref().map(share);

        Ok((owners, fences))
    }

    #[test]
    fn signal_through() -> Result {
        let context = context()?;
        let (owners, fences) = three_of(&context)?;
        let signaled = || fences.each_ref().map(|fence| fence.is_signaled());
        let [a, b, c] = owners;

        c.signal(Err(EIO));
        assert_eq!(signaled(), [false; 3]);
        context.signal_through(fences[1].seqno());
        assert_eq!(signaled(), [true; 3]);
        b.signal(Err(ETIME));
        drop(a);
        assert_eq!(fences[0].status(), FenceStatus::Signaled(Ok(())));
        assert_eq!(fences[1].status(), FenceStatus::Signaled(Ok(())));
        assert_eq!(fences[2].status(), FenceStatus::Signaled(Err(EIO)));
        Ok(())
    }

    #[test]
    fn order_is_kept() -> Result {
        let context = context()?;
        let (owners, fences) = three_of(&context)?;
        let signaled = || fences.each_ref().map(|fence| fence.is_signaled());
        let at = Instant::now() - Delta::from_micros(7);
        let [a, b, c] = owners;

        c.signal_at(Ok(()), at);
        assert_eq!(signaled(), [false, false, false]);
        a.signal(Ok(()));
        assert_eq!(signaled(), [true, false, false]);
        b.signal(Err(EIO));
        assert_eq!(signaled(), [true, true, true]);
        assert_eq!(fences[1].status(), FenceStatus::Signaled(Err(EIO)));
        assert_eq!(fences[2].status(), FenceStatus::Signaled(Ok(())));
        assert!(fences[2].timestamp().is_some_and(|a| (a - at).is_zero()));
        Ok(())
    }

    #[test]
    fn signaling_is_enabled_once() -> Result {
        let log = Log::new()?;
        let owner = logged(&log, false)?;

        assert!(!owner.as_fence().is_signaled());
        assert_eq!(log.enabled.load(Relaxed), 0);
        owner.as_fence().enable_signaling();
        owner.as_fence().enable_signaling();
        assert_eq!(log.enabled.load(Relaxed), 1);
        assert!(!owner.as_fence().is_signaled());
        Ok(())
    }

    #[test]
    fn done_when_asked() -> Result {
        let log = Log::new()?;
        let owner = logged(&log, true)?;
        let fence = share(&owner);

        assert!(!fence.is_signaled());
        fence.enable_signaling();
        assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
        // The owner has its data still, but the result stands.
        assert_eq!(log.dropped.load(Relaxed), 0);
        owner.signal(Err(EIO));
        assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
        log.wait_dropped(1);
        assert_eq!(log.dropped.load(Relaxed), 1);
        Ok(())
    }
}
