// SPDX-License-Identifier: GPL-2.0

//! Memory that has to move to be mapped, and what an exporter asks of importers.

use kernel::prelude::*;

#[kunit_tests(rust_dma_moves)]
mod tests {
    use super::*;
    use crate::{
        exporter::*,
        importing::*, //
    };
    use kernel::{
        dma_buf::{
            importer::{
                Attachment,
                DynamicAttachment,
                DynamicImporter,
                EmulatedDevice,
                MovingAttachment, //
            },
            AcquireCtx, //
        },
        sync::{
            atomic::Relaxed,
            Arc, //
        },
    };

    fn shared_device() -> Result<Arc<EmulatedDevice>> {
        Ok(Arc::new(device()?, GFP_KERNEL)?)
    }

    #[test]
    fn moves_to_be_mapped() -> Result {
        let (dev, (buf, log)) = (shared_device()?, moving()?);
        let one = follow(&dev, buf.clone().into(), true)?;
        let other = follow(&dev, buf.clone().into(), false)?;

        one.lock().map(DIR)?;
        other.lock().map(DIR)?;
        assert_eq!(log.counts(), [2, 2, 0, 0]);

        // Both are told, and the one that wants it has it where it is now.
        log.moves.store(1, Relaxed);
        assert!(one.lock().map(DIR).is_ok_and(is_moving));
        assert_eq!(one.calls.load(Relaxed), 1);
        assert_eq!(other.calls.load(Relaxed), 1);
        assert!(one.lock().mapping().is_some());
        assert!(other.lock().mapping().is_none());
        // What is not unmapped stays.
        assert_eq!(log.counts(), [2, 2, 0, 0]);

        // It does not come to rest.
        log.moves.store(9, Relaxed);
        assert_eq!(one.lock().map(DIR).err(), Some(EAGAIN));
        assert!(one.lock().mapping().is_none());
        assert_eq!(log.counts(), [2, 1, 0, 0]);
        assert_eq!(log.moves.load(Relaxed), 7);
        drop((one, other));
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    #[test]
    fn moves_to_be_pinned() -> Result {
        let (dev, (buf, log)) = (shared_device()?, moving()?);
        let one = follow(&dev, buf.clone().into(), true)?;
        let other = follow(&dev, buf.clone().into(), true)?;

        one.lock().map(DIR)?;
        other.lock().map(DIR)?;
        log.moves.store(1, Relaxed);
        one.lock().pin()?;
        assert_eq!(log.counts(), [2, 0, 1, 0]);
        one.lock().map(DIR)?;

        // For one that cannot follow it is pinned, and may have to move before.
        other.lock().map(DIR)?;
        log.moves.store(1, Relaxed);
        let fixed = Attachment::new(buf.clone().into(), dev.clone())?;
        let mapping = fixed.map_unlocked(DIR)?;
        assert!(is_moving(&mapping));
        assert_eq!(log.counts(), [3, 1, 2, 0]);
        assert_eq!(other.calls.load(Relaxed), 2);
        drop(mapping);
        drop((fixed, one, other));
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    #[test]
    fn moves_under_a_lock_of_many() -> Result {
        let (dev, (buf, log), (evicted, _)) = (shared_device()?, moving()?, moving()?);
        let one = follow(&dev, buf.clone().into(), true)?;
        let victim = follow(&dev, evicted.clone().into(), true)?;

        victim.lock().map(DIR)?;
        log.moves.store(1, Relaxed);
        let mut locked = AcquireCtx::new()?.until_all_locked(|exec| {
            exec.prepare(&buf, 1)?;
            exec.lock(&evicted)?;
            let mut guard = exec.guard(evicted.resv()).ok_or(EINVAL)?;
            evicted.with_guard(&mut guard)?.invalidate_mappings();
            drop(guard);
            let mut guard = exec.guard(buf.resv()).ok_or(EINVAL)?;
            one.with_guard(&mut guard)?.map(DIR)?;
            Ok(())
        })?;
        assert_eq!(victim.calls.load(Relaxed), 1);
        assert_eq!(one.calls.load(Relaxed), 1);
        assert_eq!(log.counts(), [1, 1, 0, 0]);
        assert!(locked.slots().is_ok());
        drop(locked);
        Ok(())
    }

    /// An importer that copes with memory without pages.
    struct Peer;

    #[vtable]
    impl DynamicImporter for Peer {
        const ALLOW_PEER2PEER: bool = true;

        fn invalidate_mappings(_attachment: &mut MovingAttachment<'_, Self>) {}
    }

    #[test]
    fn asks_for_peer2peer() -> Result {
        let (dev, (buf, log)) = (shared_device()?, moving()?);

        for allowed in [true, false] {
            log.peer2peer.store(allowed, Relaxed);
            let peer = DynamicAttachment::new(buf.clone().into(), dev.clone(), Peer)?;
            peer.lock().map(DIR)?;
            assert_eq!(log.mapped_peer2peer.load(Relaxed), allowed);

            let follower = follow(&dev, buf.clone().into(), true)?;
            follower.lock().map(DIR)?;
            assert!(!log.mapped_peer2peer.load(Relaxed));
            buf.lock().for_each_attachment(|attachment| {
                assert!(attachment.is_revocable());
                assert!(allowed || !attachment.peer2peer());
            });
        }
        Ok(())
    }

    #[test]
    fn asks_for_revocation() -> Result {
        let (dev, (buf, log)) = (shared_device()?, moving()?);

        log.only_revocable.store(true, Relaxed);
        let fixed = Attachment::new(buf.clone().into(), dev.clone());
        assert_eq!(fixed.err(), Some(EOPNOTSUPP));
        assert_eq!(log.counts(), [0; 4]);
        let follower = follow(&dev, buf.clone().into(), true)?;
        log.only_revocable.store(false, Relaxed);
        let fixed = Attachment::new(buf.clone().into(), dev.clone())?;
        let mut revocable = 0;
        buf.lock().for_each_attachment(|attachment| {
            revocable += i32::from(attachment.is_revocable());
        });
        assert_eq!(revocable, 1);
        drop((follower, fixed));
        Ok(())
    }
}
