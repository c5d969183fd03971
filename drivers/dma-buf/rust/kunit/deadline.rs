// SPDX-License-Identifier: GPL-2.0

//! Deadlines.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence_deadline)]
mod tests {
    use crate::mock::*;
    use kernel::{
        dma_buf::{
            ChainLink,
            FenceArray,
            Resv,
            Usage, //
        },
        prelude::*,
        sync::atomic::Relaxed,
    };

    #[test]
    fn earliest_counts() -> Result {
        let log = Log::new()?;
        let owner = logged(&log, false)?;
        let fence = owner.as_fence();

        assert_eq!(log.earliest(), None);
        for (deadline, earliest) in [(50, 50), (70, 50), (30, 30), (40, 30)] {
            fence.set_deadline(log.after(deadline));
            assert_eq!(log.earliest(), Some(earliest));
        }
        assert_eq!(log.deadlines.load(Relaxed), 4);
        // A deadline does not ask for the signal.
        assert_eq!(log.enabled.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn not_when_signaled() -> Result {
        let log = Log::new()?;
        let owner = logged(&log, true)?;

        // The data is there still, but nobody may use it.
        owner.as_fence().enable_signaling();
        owner.as_fence().set_deadline(log.after(10));
        assert_eq!(log.deadlines.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn array_passes_on() -> Result {
        let (a, b) = (Log::new()?, Log::new()?);
        let (owner_a, owner_b) = (logged(&a, false)?, logged(&b, false)?);

        let mut fences = KVec::new();
        fences.push(share(&owner_a), GFP_KERNEL)?;
        fences.push(share(&owner_b), GFP_KERNEL)?;
        let array = FenceArray::new(fences)?;

        array.set_deadline(a.after(20_000));
        assert_eq!(a.earliest(), Some(20_000));
        assert!(b.earliest().is_some());
        owner_a.signal(Ok(()));
        array.set_deadline(b.after(10_000));
        assert_eq!(a.deadlines.load(Relaxed), 1);
        assert_eq!(b.earliest(), Some(10_000));
        Ok(())
    }

    #[test]
    fn chain_passes_on() -> Result {
        let (a, b) = (Log::new()?, Log::new()?);
        let (owner_a, owner_b) = (logged(&a, false)?, logged(&b, false)?);

        let first = ChainLink::new(GFP_KERNEL)?.link(None, share(&owner_a).try_into()?, 1);
        let second =
            ChainLink::new(GFP_KERNEL)?.link(Some(first.clone()), share(&owner_b).try_into()?, 2);

        second.set_deadline(a.after(20));
        assert_eq!(a.earliest(), Some(20));
        assert!(b.earliest().is_some());
        // Not to those that come later.
        first.set_deadline(a.after(10));
        assert_eq!(a.earliest(), Some(10));
        assert_eq!(b.deadlines.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn resv_passes_on() -> Result {
        let (read, bookkeep) = (Log::new()?, Log::new()?);
        let (owner_read, owner_bookkeep) = (logged(&read, false)?, logged(&bookkeep, false)?);
        let resv = KBox::pin_init(Resv::new(), GFP_KERNEL)?;

        let mut guard = resv.lock();
        let mut slots = guard.reserve_fences(2)?;
        assert!(slots.add(owner_read.as_leaf(), Usage::Read));
        assert!(slots.add(owner_bookkeep.as_leaf(), Usage::Bookkeep));
        drop(guard);

        resv.set_deadline(Usage::Write, read.after(30));
        assert_eq!(read.earliest(), None);
        resv.set_deadline(Usage::Read, read.after(20));
        assert_eq!(read.earliest(), Some(20));
        assert_eq!(bookkeep.earliest(), None);
        resv.set_deadline(Usage::Bookkeep, bookkeep.after(10));
        assert_eq!(bookkeep.earliest(), Some(10));
        assert_eq!(read.deadlines.load(Relaxed), 2);
        Ok(())
    }
}
