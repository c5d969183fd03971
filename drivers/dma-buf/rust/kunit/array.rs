// SPDX-License-Identifier: GPL-2.0

//! Arrays of fences.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence_array)]
mod tests {
    use crate::{
        callback::{
            Calls,
            Count, //
        },
        jobs::Jobs,
        mock::*,
    };
    use kernel::{
        dma_buf::{
            ChainLink,
            Fence,
            FenceArray,
            FenceCallbackRegistration,
            FenceStatus,
            WaitResult, //
        },
        prelude::*,
        sync::atomic::Relaxed,
        time::msecs_to_jiffies,
    };

    #[test]
    fn refuses_what_it_cannot_hold() -> Result {
        assert_eq!(FenceArray::new(KVec::new()).err(), Some(EINVAL));

        let mut fences = KVec::new();
        let chain = ChainLink::new(GFP_KERNEL)?.link(None, Fence::stub().try_into()?, 1);
        fences.push(Fence::stub(), GFP_KERNEL)?;
        fences.push(chain, GFP_KERNEL)?;
        assert_eq!(FenceArray::new(fences).err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn waits_for_all() -> Result {
        let owners = fences(3)?;
        let array = FenceArray::new(shares(&owners)?)?;

        assert!(array.is_array() && array.is_container() && !array.is_chain());
        for (found, owner) in array.unwrap().zip(&owners) {
            assert!(core::ptr::eq(&*found, owner.as_fence()));
        }
        let array_of = array.as_array().ok_or(EINVAL)?;
        assert_eq!(array_of.fences().len(), 3);

        let mut left = owners.len();
        for owner in owners {
            assert_eq!(array.wait_timeout(0), WaitResult::TimedOut);
            owner.signal(Ok(()));
            left -= 1;
            assert!(left == 0 || !array.is_signaled());
        }
        array.wait();
        assert_eq!(array.status(), FenceStatus::Signaled(Ok(())));
        Ok(())
    }

    #[test]
    fn is_done_without_being_asked() -> Result {
        let owners = fences(2)?;
        let array = FenceArray::new(shares(&owners)?)?;

        assert!(!array.is_signaled());
        drop(owners);
        // Nobody has waited, so it has to look for itself.
        assert!(array.is_signaled());
        Ok(())
    }

    #[test]
    fn asks_all() -> Result {
        let owner = fence()?;
        let mut fences = KVec::new();

        // A driver that has no interrupt for it signals a fence when it is asked.
        fences.push(share(&owner), GFP_KERNEL)?;
        fences.push(done_when_asked()?, GFP_KERNEL)?;
        fences.push(done_when_asked()?, GFP_KERNEL)?;
        let array = FenceArray::new(fences)?;

        let before = ASKED.load(Relaxed);
        assert!(!array.is_signaled());
        assert_eq!(ASKED.load(Relaxed) - before, 2);
        owner.signal(Ok(()));
        assert!(array.is_signaled());
        // Signalled fences are not asked again.
        assert_eq!(ASKED.load(Relaxed) - before, 2);
        Ok(())
    }

    #[test]
    fn first_error_counts() -> Result {
        let (a, b, c) = (fence()?, fence()?, fence()?);
        let mut fences = KVec::new();
        for fence in [share(&a), share(&b), share(&c)] {
            fences.push(fence, GFP_KERNEL)?;
        }
        let array = FenceArray::new(fences)?;

        array.enable_signaling();
        b.signal(Err(EIO));
        a.signal(Ok(()));
        assert_eq!(array.status(), FenceStatus::Pending);
        c.signal(Err(ETIME));
        array.wait();
        assert_eq!(array.status(), FenceStatus::Signaled(Err(EIO)));
        Ok(())
    }

    #[test]
    fn error_before_being_asked() -> Result {
        let (a, b) = (fence()?, fence()?);
        let mut fences = KVec::new();
        for fence in [share(&a), share(&b)] {
            fences.push(fence, GFP_KERNEL)?;
        }
        let array = FenceArray::new(fences)?;

        a.signal(Err(EIO));
        array.enable_signaling();
        b.signal(Ok(()));
        array.wait();
        assert_eq!(array.status(), FenceStatus::Signaled(Err(EIO)));
        Ok(())
    }

    /// Many signal the fences of an array, while others begin to wait and let go of it.
    #[test]
    fn callbacks_race_with_signal() -> Result {
        const ROUNDS: u32 = 60;

        let (calls, limit) = (Calls::new()?, msecs_to_jiffies(30_000));
        for round in 0..ROUNDS {
            let result = if round % 2 == 0 { Ok(()) } else { Err(EIO) };
            let owners = fences(8)?;
            let array = FenceArray::new(shares(&owners)?)?;
            let registration = KBox::pin_init(
                FenceCallbackRegistration::new(&array, Count::new(&calls)),
                GFP_KERNEL,
            )?;

            let mut jobs = Jobs::new()?;
            for (number, owner) in owners.into_iter().enumerate() {
                let result = if number == 5 { result } else { Ok(()) };
                jobs.add(move || owner.signal(result))?;
            }
            let asked = array.clone();
            jobs.add(move || {
                asked.enable_signaling();
                drop(asked);
            })?;
            jobs.begin();

            assert!(matches!(array.wait_timeout(limit), WaitResult::Done { .. }));
            assert_eq!(array.status(), FenceStatus::Signaled(result));
            jobs.run();
            drop(registration);
        }
        assert_eq!(calls.count.load(Relaxed), ROUNDS);
        assert_eq!(calls.bad.load(Relaxed), 0);
        Ok(())
    }

    /// The last reference to an array goes while its fences are signalled.
    #[test]
    fn dropped_while_signaling() -> Result {
        for _ in 0..60 {
            let owners = fences(4)?;
            let array = FenceArray::new(shares(&owners)?)?;

            array.enable_signaling();
            let mut jobs = Jobs::new()?;
            for owner in owners {
                jobs.add(move || owner.signal(Ok(())))?;
            }
            jobs.add(move || drop(array))?;
            jobs.run();
        }
        Ok(())
    }
}
