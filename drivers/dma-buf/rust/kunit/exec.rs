// SPDX-License-Identifier: GPL-2.0

//! Locking what turns out to be needed.

use kernel::prelude::*;

#[kunit_tests(rust_dma_exec)]
mod tests {
    use super::*;
    use crate::{
        exporter::*,
        importing::*,
        jobs::Jobs,
        mock::*,
        resv::new, //
    };
    use core::ptr;
    use kernel::{
        dma_buf::{
            importer::{
                Attachment,
                Mapping, //
            },
            AcquireCtx,
            HasResv,
            Resv,
            Usage, //
        },
        sync::{
            aref::ARef,
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc,
            Completion, //
        },
    };

    fn ctx() -> Result<AcquireCtx> {
        AcquireCtx::new()
    }

    fn free(resvs: &[&Resv]) -> bool {
        resvs.iter().all(|resv| resv.try_lock().is_some())
    }

    #[test]
    fn locks_and_prepares() -> Result {
        let (a, b) = (new()?, new()?);
        let (one, two) = (fence()?, fence()?);
        let mut calls = 0;

        drop(ctx()?.until_all_locked(|_| Ok(()))?);
        let mut locked = ctx()?.until_all_locked_interruptible(|exec| {
            calls += 1;
            exec.prepare(&a, 1)?;
            exec.lock(&b)?;
            // Once more, by another reference.
            exec.prepare(&a.clone(), 1)?;
            exec.lock(&a)?;
            assert!(exec
                .guard(&b)
                .is_some_and(|guard| ptr::eq(guard.resv(), &*b)));
            assert!(!exec.is_contended());
            Ok(())
        })?;
        assert_eq!(calls, 1);
        assert!(a.try_lock().is_none() && b.try_lock().is_none());
        assert_eq!(locked.guards().count(), 2);

        let mut slots = locked.slots()?;
        assert!(slots.add(&a, one.as_leaf(), Usage::Write));
        slots.add_to_all(two.as_leaf(), Usage::Read);
        assert!(!slots.add(&a, one.as_leaf(), Usage::Write));
        assert!(!slots.add(&b, one.as_leaf(), Usage::Write));
        assert!(slots.take(&*new()?).is_none());

        let mut guard = locked.guard(&a).ok_or(EINVAL)?;
        assert_eq!(guard.fences(Usage::Read).count(), 2);
        // A guard that was only lent does not unlock.
        drop(guard);
        assert!(a.try_lock().is_none());
        assert!(locked.unlock(&a));
        assert!(!locked.unlock(&a));
        assert!(locked.guard(&a).is_none());
        assert!(free(&[&a]) && !free(&[&b]));
        drop(locked);
        assert!(free(&[&a, &b]));
        Ok(())
    }

    /// Whoever has a guard may use room that was made for others.
    #[test]
    fn room_that_was_used() -> Result {
        let (a, owners) = (new()?, fences(12)?);

        let mut locked = ctx()?.until_all_locked(|exec| exec.prepare(&a, 4))?;
        let mut guard = locked.guard(&a).ok_or(EINVAL)?;
        for owner in &owners[..8] {
            assert!(guard.reserve_fences(1)?.add(owner.as_leaf(), Usage::Read));
        }
        drop(guard);
        let mut slots = locked.slots()?;
        for (at, owner) in owners[8..].iter().enumerate() {
            if at == 2 {
                // What is left is not lost.
                slots = locked.slots()?;
            }
            assert!(slots.add(&a, owner.as_leaf(), Usage::Read));
        }
        assert!(!slots.add(&a, owners[0].as_leaf(), Usage::Read));
        drop(locked);
        assert_eq!(a.get_fences(Usage::Read)?.len(), 12);

        let result = ctx()?.until_all_locked(|exec| {
            exec.prepare(&a, 1)?;
            exec.prepare(&a, u32::MAX)
        });
        assert_eq!(result.err(), Some(ENOMEM));
        Ok(())
    }

    #[test]
    fn errors_unlock() -> Result {
        let (a, b) = (new()?, new()?);

        let result = ctx()?.until_all_locked(|exec| {
            exec.lock(&a)?;
            exec.lock(&b)?;
            Err(ENOSPC)
        });
        assert_eq!(result.err(), Some(ENOSPC));
        assert!(free(&[&a, &b]));
        Ok(())
    }

    #[test]
    fn evicts() -> Result {
        let (dev, (buf, log)) = (Arc::new(device()?, GFP_KERNEL)?, moving()?);
        let (a, busy, fence) = (new()?, new()?, fence()?);
        let follower = follow(&dev, buf.clone().into(), true)?;
        let elsewhere = busy.clone();
        let held = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        let done = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        let (holds, waits) = (held.clone(), done.clone());

        follower.lock().map(DIR)?;
        let mut jobs = Jobs::new()?;
        jobs.add(move || {
            let _guard = elsewhere.lock();
            holds.complete_all();
            waits.wait_for_completion();
        })?;
        jobs.begin();
        held.wait_for_completion();

        let locked = ctx()?.until_all_locked(|exec| {
            exec.prepare(&a, 1)?;
            assert_eq!(exec.try_lock(&busy), Err(EBUSY));
            assert!(exec.guard(&busy).is_none());
            // This one can be had.
            exec.try_lock(&buf)?;
            let mut guard = exec.guard(buf.resv()).ok_or(EINVAL)?;
            buf.with_guard(&mut guard)?.invalidate_mappings();
            assert!(guard.reserve_fences(1)?.add(fence.as_leaf(), Usage::Kernel));
            drop(guard);
            assert!(exec.unlock(buf.resv()));
            assert!(unlocked(&buf));
            // Once more, to stay.
            exec.lock(&buf)
        });
        done.complete_all();
        drop(jobs);

        assert_eq!(log.counts(), [1, 0, 0, 0]);
        assert!(!unlocked(&buf));
        drop(locked?);
        assert!(unlocked(&buf));
        fence.signal(Ok(()));
        Ok(())
    }

    #[test]
    fn maps_under_a_lock_of_many() -> Result {
        let (dev, (buf, log)) = (Arc::new(device()?, GFP_KERNEL)?, moving()?);
        let attachment = Attachment::new(buf.clone().into(), dev.clone())?;
        let (attachment, other) = (Arc::new(attachment, GFP_KERNEL)?, new()?);

        let mut locked = ctx()?.until_all_locked(|exec| {
            exec.lock(&other)?;
            exec.lock(&buf)
        })?;
        let mut guard = locked.guard(&other).ok_or(EINVAL)?;
        assert_eq!(
            Mapping::with_guard(&attachment, &mut guard, DIR).err(),
            Some(EINVAL)
        );
        assert!(buf.with_guard(&mut guard).is_err());
        drop(guard);
        let mut guard = locked.guard(buf.resv()).ok_or(EINVAL)?;
        let mapping = Mapping::with_guard(&attachment, &mut guard, DIR)?;
        assert!(is_moving(&mapping));
        let kept = Mapping::with_guard(&attachment, &mut guard, DIR)?;
        assert_eq!(log.counts(), [1, 2, 2, 0]);
        drop(guard);
        let mut guard = locked.guard(&other).ok_or(EINVAL)?;
        let Err(mapping) = mapping.unmap_with_guard(&mut guard) else {
            return Err(EINVAL);
        };
        drop(guard);
        let mut guard = locked.guard(buf.resv()).ok_or(EINVAL)?;
        assert!(mapping.unmap_with_guard(&mut guard).is_ok());
        assert_eq!(log.counts(), [1, 1, 1, 0]);
        drop(guard);
        drop(locked);
        drop(kept);
        assert_eq!(log.counts(), [1, 0, 0, 0]);
        drop(attachment);
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    /// Locks objects when it goes, one after the other.
    struct Closing {
        own: Arc<Resv>,
        other: Arc<Resv>,
        drops: Arc<Atomic<u32>>,
    }

    impl HasResv for Closing {
        fn resv(&self) -> &Resv {
            &self.own
        }
    }

    impl Drop for Closing {
        fn drop(&mut self) {
            drop(self.own.lock());
            drop(self.other.lock());
            self.drops.add(1, Relaxed);
        }
    }

    #[test]
    fn keeps_what_is_locked() -> Result {
        let (a, b) = (new()?, new()?);
        let drops = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let closing = Closing {
            own: a.clone(),
            other: b.clone(),
            drops: drops.clone(),
        };
        let mut closing = Some(Arc::new(closing, GFP_KERNEL)?);

        let mut locked = ctx()?.until_all_locked(|exec| {
            exec.lock(&b)?;
            exec.prepare(&closing.take().ok_or(EINVAL)?, 1)?;
            // What has the same reservation object need not be kept, too.
            exec.prepare(&a, 1)
        })?;
        assert_eq!(drops.load(Relaxed), 0);
        assert_eq!(locked.guards().count(), 2);
        drop(locked);
        assert_eq!(drops.load(Relaxed), 1);
        assert!(free(&[&a, &b]));
        Ok(())
    }

    #[test]
    fn locks_buffers() -> Result {
        let (page, moves) = (pages()?, moving()?.0);
        let moves: ARef<kernel::dma_buf::DmaBuf> = moves.into();

        let locked = ctx()?.until_all_locked(|exec| {
            exec.prepare(&page, 1)?;
            exec.prepare(&moves, 1)
        })?;
        assert!(!unlocked(&page) && !unlocked(&moves));
        drop(locked);
        assert!(unlocked(&page) && unlocked(&moves));
        Ok(())
    }
}
