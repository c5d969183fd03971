// SPDX-License-Identifier: GPL-2.0

//! Reservation objects.

use kernel::{
    dma_buf::Resv,
    prelude::*,
    sync::Arc, //
};

/// A new object that several can hold.
pub(crate) fn new() -> Result<Arc<Resv>> {
    Arc::pin_init(Resv::new(), GFP_KERNEL)
}

#[kunit_tests(rust_dma_resv)]
mod tests {
    use super::*;
    use crate::{
        mock::*,
        text::written, //
    };
    use core::ptr;
    use kernel::{
        alloc::flags::__GFP_NOWARN,
        bindings,
        dma_buf::{
            AcquireCtx,
            Fence,
            Usage,
            WaitResult, //
        },
        str::CString,
    };

    const USAGES: [Usage; 4] = [Usage::Kernel, Usage::Write, Usage::Read, Usage::Bookkeep];

    fn add(resv: &Resv, fence: &Fence, usage: Usage) -> Result {
        let mut guard = resv.lock();
        let mut slots = guard.reserve_fences(1)?;

        slots
            .take()
            .ok_or(ENOSPC)?
            .add(fence.as_leaf().ok_or(EINVAL)?, usage);
        Ok(())
    }

    fn counts(resv: &Resv) -> [usize; 4] {
        let mut guard = resv.lock();
        USAGES.map(|usage| guard.fences(usage).count())
    }

    #[test]
    fn usages_include_others() -> Result {
        let resv = new()?;
        let owners = fences(4)?;

        assert_eq!(counts(&resv), [0; 4]);
        for (owner, usage) in owners.iter().zip(USAGES) {
            add(&resv, owner.as_fence(), usage)?;
        }
        assert_eq!(counts(&resv), [1, 2, 3, 4]);
        for (count, usage) in (1..).zip(USAGES) {
            assert_eq!(resv.get_fences(usage)?.len(), count);
            assert_eq!(resv.fences_unlocked(usage).count(), count);
            assert!(resv.fences_unlocked(usage).all(|item| item.usage <= usage));
        }
        Ok(())
    }

    #[test]
    fn slots_are_counted() -> Result {
        let resv = new()?;
        let owners = fences(3)?;
        let mut guard = resv.lock();

        let mut slots = guard.reserve_fences(0)?;
        assert!(!slots.add(owners[0].as_leaf(), Usage::Read));
        let mut slots = guard.reserve_fences(2)?;
        let slot = slots.take().ok_or(EINVAL)?;
        assert!(slots.add(owners[0].as_leaf(), Usage::Read));
        assert!(!slots.add(owners[1].as_leaf(), Usage::Read));
        slot.add(owners[1].as_leaf(), Usage::Read);
        // Too many for any allocation, which is not worth a warning.
        for count in [u32::MAX, 1 << 30, (1 << 18) + 1] {
            assert!(matches!(guard.reserve_fences(count), Err(ENOMEM)));
        }
        // One fewer is not, where there is so much memory in one piece.
        if KVec::<u8>::with_capacity(4 << 20, GFP_KERNEL | __GFP_NOWARN).is_ok() {
            guard.reserve_fences(1 << 18)?;
        }
        Ok(())
    }

    /// The one that is left stands for the one that it has taken the place of.
    #[test]
    fn later_ones_wait_for_earlier_ones() -> Result {
        let (resv, context) = (new()?, context()?);
        let (a, b) = (fence_of(&context)?, fence_of(&context)?);

        add(&resv, a.as_fence(), Usage::Write)?;
        add(&resv, b.as_fence(), Usage::Write)?;
        assert_eq!(counts(&resv), [0, 1, 1, 1]);
        b.signal(Ok(()));
        assert!(!resv.test_signaled(Usage::Write));
        a.signal(Ok(()));
        assert!(resv.test_signaled(Usage::Write));
        Ok(())
    }

    #[test]
    fn later_ones_take_the_place() -> Result {
        let (resv, context) = (new()?, context()?);
        let (a, b) = (fence_of(&context)?, fence_of(&context)?);

        add(&resv, a.as_fence(), Usage::Write)?;
        // What is weaker does not replace what is stronger.
        add(&resv, b.as_fence(), Usage::Bookkeep)?;
        assert_eq!(counts(&resv), [0, 1, 1, 2]);
        add(&resv, b.as_fence(), Usage::Write)?;
        let left = resv.get_fences(Usage::Bookkeep)?;
        assert!(left.iter().all(|fence| ptr::eq(&**fence, b.as_fence())));
        Ok(())
    }

    #[test]
    fn signaled_ones_make_room() -> Result {
        let resv = new()?;

        for _ in 0..20 {
            let owner = fence()?;
            add(&resv, owner.as_fence(), Usage::Read)?;
            assert!(!resv.test_signaled(Usage::Read));
            owner.signal(Ok(()));
            assert!(resv.test_signaled(Usage::Read));
        }
        assert_eq!(counts(&resv), [0, 0, 1, 1]);
        Ok(())
    }

    #[test]
    fn replaces() -> Result {
        let (resv, context, other) = (new()?, context()?, context()?);
        let (a, b) = (fence_of(&context)?, fence()?);

        add(&resv, a.as_fence(), Usage::Bookkeep)?;
        resv.lock()
            .replace_fences(&other, &Fence::stub(), Usage::Kernel)?;
        assert_eq!(counts(&resv), [0, 0, 0, 1]);
        resv.lock()
            .replace_fences(&context, b.as_fence(), Usage::Kernel)?;
        assert_eq!(counts(&resv), [1, 1, 1, 1]);
        assert!(ptr::eq(&*resv.get_fences(Usage::Kernel)?[0], b.as_fence()));

        // Of what is there, again and again: each time one level deeper.
        let c = fence_of(&context)?;
        add(&resv, c.as_fence(), Usage::Read)?;
        let both = resv.singleton(Usage::Read)?.ok_or(EINVAL)?;
        assert_eq!(
            resv.lock().replace_fences(&context, &both, Usage::Read),
            Err(EINVAL)
        );
        assert_eq!(counts(&resv), [1, 1, 2, 2]);
        Ok(())
    }

    #[test]
    fn copies() -> Result {
        let from = new()?;
        let copy = || Arc::pin_init(Resv::copy_of(&from), GFP_KERNEL);
        let (a, b) = (fence()?, fence()?);

        assert_eq!(counts(&*copy()?), [0; 4]);
        add(&from, a.as_fence(), Usage::Write)?;
        add(&from, b.as_fence(), Usage::Read)?;
        let to = copy()?;
        assert!(to.try_lock().is_some());
        assert_eq!(counts(&to), [0, 1, 2, 2]);
        assert_eq!(counts(&from), [0, 1, 2, 2]);

        // It makes no difference whether the other one is locked.
        let guard = from.lock();
        let to = copy()?;
        drop(guard);
        assert_eq!(counts(&to), [0, 1, 2, 2]);
        Ok(())
    }

    #[test]
    fn one_for_all() -> Result {
        let resv = new()?;
        let (a, b) = (fence()?, fence()?);

        assert!(resv.singleton(Usage::Bookkeep)?.is_none());
        add(&resv, a.as_fence(), Usage::Write)?;
        let single = resv.singleton(Usage::Bookkeep)?.ok_or(EINVAL)?;
        assert!(ptr::eq(&*single, a.as_fence()));

        add(&resv, b.as_fence(), Usage::Read)?;
        let both = resv.singleton(Usage::Read)?.ok_or(EINVAL)?;
        assert_eq!(both.as_array().ok_or(EINVAL)?.fences().len(), 2);
        let single = resv.singleton(Usage::Write)?.ok_or(EINVAL)?;
        assert!(ptr::eq(&*single, a.as_fence()));
        drop((a, b));
        assert!(both.is_signaled());
        Ok(())
    }

    #[test]
    fn waits() -> Result {
        let resv = new()?;
        let (read, bookkeep) = (fence()?, fence()?);

        assert_eq!(
            resv.wait_timeout(Usage::Bookkeep, 0),
            WaitResult::Done { left: 1 }
        );
        add(&resv, read.as_fence(), Usage::Read)?;
        add(&resv, bookkeep.as_fence(), Usage::Bookkeep)?;
        resv.wait(Usage::Write);
        for limit in [0, 2] {
            assert_eq!(resv.wait_timeout(Usage::Read, limit), WaitResult::TimedOut);
        }
        read.signal(Ok(()));
        resv.wait(Usage::Read);
        resv.wait_interruptible(Usage::Read)?;
        assert_eq!(
            resv.wait_timeout_interruptible(Usage::Bookkeep, 2),
            Ok(WaitResult::TimedOut)
        );
        Ok(())
    }

    #[test]
    fn waits_longer_than_there_is() -> Result {
        let resv = new()?;
        let usage = bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP;

        // There is nothing to wait for, so that what is left is what was asked for: C drivers get
        // the same number, whatever they make of it.
        for timeout in [c_ulong::MAX, c_ulong::MAX / 2 + 1, c_ulong::MAX / 2] {
            // SAFETY: The object is initialised.
            let left =
                unsafe { bindings::dma_resv_wait_timeout(resv.as_raw(), usage, false, timeout) };
            assert_eq!(left as c_ulong, timeout);
        }
        Ok(())
    }

    #[test]
    fn describe() -> Result {
        let resv = new()?;
        let (write, bookkeep) = (fence()?, fence()?);
        // `u64` divides to be printed, which a 32-bit kernel does not do for Rust.
        let context = write.as_fence().context() as u32;
        let seqno = write.as_fence().seqno() as u32;
        let expected = CString::try_from_fmt(fmt!(
            "\twrite fence:{context}:{seqno} mock-timeline mock-driver unsignalled\n"
        ))?;

        add(&resv, write.as_fence(), Usage::Write)?;
        add(&resv, bookkeep.as_fence(), Usage::Bookkeep)?;
        let guard = resv.lock();
        assert!(*written(|m| guard.describe(m))? == *expected.to_bytes());
        Ok(())
    }

    #[test]
    fn locks() -> Result {
        let resv = new()?;

        let guard = resv.try_lock().ok_or(EBUSY)?;
        assert!(resv.try_lock().is_none());
        assert!(ptr::eq(guard.resv(), &*resv));
        drop(guard);
        drop(resv.lock_interruptible()?);
        drop(resv.lock());
        assert!(resv.try_lock().is_some());
        Ok(())
    }

    #[test]
    fn locks_many() -> Result {
        let (a, b, c) = (new()?, new()?, new()?);
        let resvs: [&Resv; 3] = [&a, &b, &c];
        let fence = fence()?;

        drop(AcquireCtx::new()?.lock_all(&[])?);
        let mut locked = AcquireCtx::new()?.lock_all(&resvs)?;
        assert!(resvs.iter().all(|resv| resv.try_lock().is_none()));
        for (mut guard, resv) in locked.guards().zip(resvs) {
            assert!(ptr::eq(guard.resv(), resv));
            assert!(guard.reserve_fences(1)?.add(fence.as_leaf(), Usage::Write));
        }
        assert!(locked
            .guard(2)
            .is_some_and(|guard| ptr::eq(guard.resv(), &*c)));
        assert!(locked.guard(3).is_none());
        // A guard that was only lent does not unlock.
        assert!(resvs.iter().all(|resv| resv.try_lock().is_none()));
        drop(locked);
        assert!(resvs.iter().all(|resv| resv.try_lock().is_some()));

        let resvs: [&Resv; 3] = [&a, &b, &a];
        assert_eq!(
            AcquireCtx::new()?.lock_all_interruptible(&resvs).err(),
            Some(EALREADY)
        );
        assert!(resvs.iter().all(|resv| resv.try_lock().is_some()));
        Ok(())
    }
}
