// SPDX-License-Identifier: GPL-2.0

//! Fences that are left behind: by their owner, by their context, by both.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence_forgotten)]
mod tests {
    use crate::mock::*;
    use kernel::{
        dma_buf::{
            FenceContext,
            FenceContextOps,
            FenceStatus,
            WaitResult, //
        },
        prelude::*,
        str::CString,
        sync::{
            atomic::Relaxed,
            new_spinlock,
            rcu,
            Arc, //
        },
        types::ForeignOwnable,
    };
    use pin_init::stack_pin_init;

    /// A fence whose owner has forgotten it, and whose context is gone, is pending for ever. Who
    /// has it finds all as it was.
    #[test]
    fn pending_without_context() -> Result {
        let (log, context) = (Log::new()?, context_of(Logging)?);
        let owner = logged_of(&context, &log, false)?;
        let fence = share(&owner);
        // As good as forgotten, but for the end of the test.
        let forgotten = owner.into_foreign();

        drop(context);
        assert_eq!(fence.wait_timeout(2), WaitResult::TimedOut);
        assert_eq!(log.enabled.load(Relaxed), 1);
        fence.set_deadline(log.after(5));
        assert_eq!(log.earliest(), Some(5));
        {
            let guard = rcu::read_lock();
            assert!(fence.driver_name(&guard) == DRIVER_NAME);
            assert!(fence.timeline_name(&guard) == TIMELINE_NAME);
        }
        assert!(!fence.is_signaled());
        assert_eq!(log.dropped.load(Relaxed), 0);

        // SAFETY: From `into_foreign` of the same type, and taken back once.
        drop(unsafe { LoggedFence::from_foreign(forgotten) });
        assert_eq!(fence.status(), FenceStatus::Signaled(Err(ECANCELED)));
        log.wait_dropped(1);
        assert_eq!(log.dropped.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn order_without_context() -> Result {
        let context = context()?;
        let (first, second) = (fence_of(&context)?, fence_of(&context)?);
        let fence = share(&second);

        drop(context);
        second.signal(Err(EIO));
        assert_eq!(fence.status(), FenceStatus::Pending);
        first.signal(Ok(()));
        assert_eq!(fence.status(), FenceStatus::Signaled(Err(EIO)));
        Ok(())
    }

    #[test]
    fn names_are_copied() -> Result {
        let name = CString::try_from_fmt(fmt!("ring {}", 7))?;
        let context = KBox::pin_init(FenceContext::new(1, &name, &name, Plain), GFP_KERNEL)?;
        let owner = fence_of(&context)?;

        drop((name, context));
        let guard = rcu::read_lock();
        assert!(owner.as_fence().driver_name(&guard) == c"ring 7");
        assert!(owner.as_fence().timeline_name(&guard) == c"ring 7");
        drop(guard);
        owner.signal(Ok(()));
        Ok(())
    }

    /// The data of a context, which says when it is dropped.
    struct Watched(Arc<Log>);

    impl FenceContextOps for Watched {
        type FenceDataType = ();
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            self.0.note_drop();
        }
    }

    #[test]
    fn data_goes_with_the_context() -> Result {
        let log = Log::new()?;
        let context = context_of(Watched(log.clone()))?;

        context.new_fence_allocation(())?.new_fence().signal(Ok(()));
        drop(context.new_fence_allocation(())?);
        assert_eq!(context.data().0.dropped.load(Relaxed), 0);
        drop(context);
        assert_eq!(log.dropped.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn data_goes_with_the_last_fence_where_that_may_sleep() -> Result {
        stack_pin_init!(let lock = new_spinlock!(()));
        let log = Log::new()?;

        for is_taken in [false, true] {
            let before = log.dropped.load(Relaxed);
            let context = context_of(Watched(log.clone()))?;
            let owner = context.new_fence_allocation(())?.new_fence().detach();
            drop(context);

            let guard = lock.lock();
            if is_taken {
                let () = owner.signal_and_take(Ok(()));
            } else {
                owner.signal(Ok(()));
            }
            drop(guard);

            log.wait_dropped(before + 1);
            assert!(log.was_dropped_elsewhere());
            assert_eq!(log.dropped.load(Relaxed), before + 1);
        }
        Ok(())
    }

    #[test]
    fn chosen_numbers() -> Result {
        let context = context()?;
        let choose = |seqno| -> Result<_> {
            Ok(context
                .new_fence_allocation(())?
                .new_fence_with_seqno(seqno)
                .map(|owner| owner.as_fence().seqno()))
        };

        assert_eq!(choose(5)?.ok(), Some(5));
        assert_eq!(choose(5)?.ok(), None);
        assert_eq!(choose(4)?.ok(), None);
        assert_eq!(choose(u64::MAX)?.ok(), None);
        let refused = choose(0)?.err().ok_or(EINVAL)?;
        assert_eq!(refused.new_fence().as_fence().seqno(), 6);
        assert_eq!(choose(1 << 40)?.ok(), Some(1 << 40));
        assert_eq!(fence_of(&context)?.as_fence().seqno(), (1 << 40) + 1);
        Ok(())
    }

    /// A number that came again would be that of a fence that is still pending.
    #[test]
    fn numbers_do_not_come_again() -> Result {
        let context = context()?;
        let first = fence_of(&context)?;
        let choose = |seqno| -> Result<_> {
            Ok(context
                .new_fence_allocation(())?
                .new_fence_with_seqno(seqno))
        };

        assert!(choose(u64::MAX - 1)?.is_err());
        assert!(choose(1 << 63)?.is_err());
        let largest = choose((1 << 63) - 1)?.map_err(|_| EINVAL)?;
        let later = fence_of(&context)?;
        assert_eq!(later.as_fence().seqno(), 1 << 63);

        // It is the first that is in the way.
        let fence = share(&later);
        later.signal(Ok(()));
        largest.signal(Ok(()));
        assert!(!fence.is_signaled());
        first.signal(Ok(()));
        assert!(fence.is_signaled());

        for initial in [1 << 63, u64::MAX] {
            let late = FenceContext::new(initial, DRIVER_NAME, TIMELINE_NAME, Plain);
            assert_eq!(KBox::pin_init(late, GFP_KERNEL).err(), Some(EINVAL));
        }
        Ok(())
    }
}
