// SPDX-License-Identifier: GPL-2.0

//! One fence alone.

use kernel::prelude::*;

#[kunit_tests(rust_dma_fence)]
mod tests {
    use crate::{
        mock::*,
        text::written, //
    };
    use kernel::{
        dma_buf::{
            Fence,
            FenceStatus, //
        },
        prelude::*,
        str::CString,
        sync::{
            atomic::Relaxed,
            rcu, //
        },
        time::{
            Delta,
            Instant, //
        },
    };

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
        let (a, b, c) = (a.fence(), b.fence(), c.fence());

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
        owner.signal();
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

        owner.signal_at(at);
        assert!(fence.timestamp().is_some_and(|a| (a - at).is_zero()));
        Ok(())
    }

    #[test]
    fn signal_err() -> Result {
        let owner = fence()?;
        let fence = share(&owner);

        owner.signal_err(ETIME);
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
        assert_eq!(log.dropped.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn data_goes_with_the_signal() -> Result {
        let log = Log::new()?;
        let owner = logged(&log, false)?;
        let fence = share(&owner);

        assert_eq!(log.dropped.load(Relaxed), 0);
        owner.signal();
        assert_eq!(log.dropped.load(Relaxed), 1);
        fence.set_deadline(Instant::now());
        drop(fence);
        assert_eq!(log.dropped.load(Relaxed), 1);
        assert_eq!(log.deadlines.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn order_is_kept() -> Result {
        let context = context()?;
        let owners = [
            fence_of(&context)?,
            fence_of(&context)?,
            fence_of(&context)?,
        ];
        let fences = [share(&owners[0]), share(&owners[1]), share(&owners[2])];
        let signaled = || fences.each_ref().map(|fence| fence.is_signaled());
        let at = Instant::now() - Delta::from_micros(7);
        let [a, b, c] = owners;

        c.signal_at(at);
        assert_eq!(signaled(), [false, false, false]);
        a.signal();
        assert_eq!(signaled(), [true, false, false]);
        b.signal_err(EIO);
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

        assert!(!owner.fence().is_signaled());
        assert_eq!(log.enabled.load(Relaxed), 0);
        owner.fence().enable_signaling();
        owner.fence().enable_signaling();
        assert_eq!(log.enabled.load(Relaxed), 1);
        assert!(!owner.fence().is_signaled());
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
        owner.signal_err(EIO);
        assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
        assert_eq!(log.dropped.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn names() -> Result {
        let owner = fence()?;
        let fence = share(&owner);
        let guard = rcu::read_lock();

        assert!(fence.driver_name(&guard) == DRIVER_NAME);
        assert!(fence.timeline_name(&guard) == TIMELINE_NAME);
        owner.signal();
        assert!(fence.driver_name(&guard) == c"detached-driver");
        assert!(fence.timeline_name(&guard) == c"signaled-timeline");
        Ok(())
    }

    #[test]
    fn describe() -> Result {
        let owner = fence()?;
        let fence = share(&owner);
        // `u64` divides to be printed, which a 32-bit kernel does not do for Rust.
        let (context, seqno) = (fence.context() as u32, fence.seqno() as u32);

        let pending = CString::try_from_fmt(fmt!(
            "{context}:{seqno} mock-timeline mock-driver unsignalled\n"
        ))?;
        assert!(*written(|m| fence.describe(m))? == *pending.to_bytes());

        owner.signal();
        let signaled = CString::try_from_fmt(fmt!("{context}:{seqno}   signalled\n"))?;
        assert!(*written(|m| fence.describe(m))? == *signaled.to_bytes());

        assert!(*written(|m| Fence::stub().describe(m))? == *b"0:0   signalled\n");
        Ok(())
    }
}
