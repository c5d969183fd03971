// SPDX-License-Identifier: GPL-2.0

//! Waiting.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence_wait)]
mod tests {
    use crate::{
        jobs::Jobs,
        mock::*, //
    };
    use kernel::{
        dma_buf::{
            Fence,
            WaitAnyResult,
            WaitResult, //
        },
        prelude::*,
        sync::atomic::Relaxed,
        time::{
            delay::fsleep,
            msecs_to_jiffies,
            Delta, //
        },
    };

    const LONG: u32 = 30_000;

    #[test]
    fn times_out() -> Result {
        let log = Log::new()?;
        let owner = logged(&log, false)?;
        let fence = owner.as_fence();

        assert_eq!(fence.wait_timeout(0), WaitResult::TimedOut);
        // Even a look asks for the signal.
        assert_eq!(log.enabled.load(Relaxed), 1);
        assert_eq!(fence.wait_timeout(2), WaitResult::TimedOut);
        assert_eq!(
            fence.wait_timeout_interruptible(2),
            Ok(WaitResult::TimedOut)
        );
        Ok(())
    }

    #[test]
    fn is_done() -> Result {
        let owner = fence()?;
        let fence = share(&owner);

        owner.signal(Ok(()));
        fence.wait();
        fence.wait_interruptible()?;
        assert_eq!(fence.wait_timeout(0), WaitResult::Done { left: 1 });
        assert_eq!(fence.wait_timeout(7), WaitResult::Done { left: 7 });
        Ok(())
    }

    #[test]
    fn becomes_done() -> Result {
        let owner = fence()?;
        let fence = share(&owner);
        let mut jobs = Jobs::new()?;

        jobs.add(move || {
            fsleep(Delta::from_millis(20));
            owner.signal(Ok(()));
        })?;
        jobs.begin();
        let limit = msecs_to_jiffies(LONG);
        match fence.wait_timeout(limit) {
            WaitResult::Done { left } => assert!(left > 0 && left <= limit),
            WaitResult::TimedOut => return Err(ETIME),
        }
        Ok(())
    }

    #[test]
    fn many_wait() -> Result {
        let owner = fence()?;
        let mut jobs = Jobs::new()?;

        for _ in 0..4 {
            let fence = share(&owner);
            jobs.add(move || fence.wait())?;
        }
        jobs.begin();
        fsleep(Delta::from_millis(20));
        owner.signal(Ok(()));
        jobs.run();
        Ok(())
    }

    #[test]
    fn any_leaves_the_lock_of_the_signaled_alone() -> Result {
        let (a, done) = (fence()?, without_lock()?);

        for limit in [0, 10] {
            assert!(matches!(
                Fence::wait_any_timeout(&[a.as_fence(), &done], limit),
                Ok(WaitAnyResult::Done {
                    index: 1,
                    left: 1..
                })
            ));
        }
        Ok(())
    }

    #[test]
    fn lock_of_the_signaled_is_left_alone() -> Result {
        let done = without_lock()?;

        assert!(done.is_signaled() && done.is_done());
        done.enable_signaling();
        done.wait();
        done.wait_interruptible()?;
        assert_eq!(done.wait_timeout(0), WaitResult::Done { left: 1 });
        assert_eq!(done.wait_timeout(7), WaitResult::Done { left: 7 });
        Ok(())
    }

    #[test]
    fn any_of_none() {
        assert_eq!(Fence::wait_any_timeout(&[], 1), Err(EINVAL));
        assert_eq!(Fence::wait_any_timeout(&[], 0), Err(EINVAL));
    }

    #[test]
    fn any_times_out() -> Result {
        let (a, b) = (fence()?, fence()?);
        let fences = [a.as_fence(), b.as_fence()];

        for limit in [0, 2] {
            assert_eq!(
                Fence::wait_any_timeout(&fences, limit),
                Ok(WaitAnyResult::TimedOut)
            );
            assert_eq!(
                Fence::wait_any_timeout_interruptible(&fences, limit),
                Ok(WaitAnyResult::TimedOut)
            );
        }
        Ok(())
    }

    #[test]
    fn any_is_done() -> Result {
        let (a, b, c) = (fence()?, fence()?, fence()?);
        let [fa, fb, fc] = [share(&a), share(&b), share(&c)];

        // Each alone, in its place.
        b.signal(Ok(()));
        for limit in [0, 10] {
            assert!(matches!(
                Fence::wait_any_timeout(&[&fa, &fb, &fc], limit),
                Ok(WaitAnyResult::Done {
                    index: 1,
                    left: 1..
                })
            ));
            assert!(matches!(
                Fence::wait_any_timeout(&[&fa, &fc, &fb], limit),
                Ok(WaitAnyResult::Done {
                    index: 2,
                    left: 1..
                })
            ));
            assert!(matches!(
                Fence::wait_any_timeout(&[&fb], limit),
                Ok(WaitAnyResult::Done {
                    index: 0,
                    left: 1..
                })
            ));
        }
        // Several: the first one.
        c.signal(Ok(()));
        assert!(matches!(
            Fence::wait_any_timeout(&[&fa, &fc, &fb], 10),
            Ok(WaitAnyResult::Done { index: 1, left: 10 })
        ));
        Ok(())
    }

    #[test]
    fn any_becomes_done() -> Result {
        for which in 0..3 {
            let mut owners = fences(3)?;
            let fences = shares(&owners)?;
            let owner = owners.remove(which).map_err(|_| EINVAL)?;

            let mut jobs = Jobs::new()?;
            jobs.add(move || {
                fsleep(Delta::from_millis(20));
                owner.signal(Ok(()));
            })?;
            jobs.begin();
            match Fence::wait_any_timeout(
                &[&fences[0], &fences[1], &fences[2]],
                msecs_to_jiffies(LONG),
            )? {
                WaitAnyResult::Done { index, left } => assert!(index == which && left > 0),
                WaitAnyResult::TimedOut => return Err(ETIME),
            }
            // The others have forgotten the wait.
            drop(owners);
        }
        Ok(())
    }
}
