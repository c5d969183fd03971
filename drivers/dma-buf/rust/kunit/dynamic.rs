// SPDX-License-Identifier: GPL-2.0

//! Importers of memory that moves.

use kernel::prelude::*;

#[kunit_tests(rust_dma_importer_dynamic)]
mod tests {
    use super::*;
    use crate::{
        exporter::*,
        importing::*, //
    };
    use core::ptr;
    use kernel::{
        dma_buf::{
            importer::KeepsBound,
            AcquireCtx,
            Resv, //
        },
        sync::{
            atomic::Relaxed,
            Arc, //
        },
    };

    #[test]
    fn follows() -> Result {
        let (dev, (buf, log)) = (Arc::new(device()?, GFP_KERNEL)?, moving()?);

        for (unmaps, left) in [(true, 0), (false, 1)] {
            let attachment = follow(&dev, buf.clone().into(), unmaps)?;

            assert!(ptr::eq(attachment.buffer(), &**buf));
            assert!(ptr::eq(attachment.device(), dev.device()));
            move_away(&buf);
            assert_eq!(attachment.calls.load(Relaxed), 1);
            {
                let mut locked = attachment.lock();
                assert!(locked.mapping().is_none());
                assert!(is_moving(locked.map(DIR)?));
                assert!(locked.mapping().is_some_and(is_moving));
                assert!(ptr::eq(locked.guard().resv(), buf.resv()));
            }
            // Nothing is pinned: the memory may move.
            assert_eq!(log.counts(), [1, 1, 0, 0]);
            move_away(&buf);
            assert_eq!(attachment.calls.load(Relaxed), 2);
            assert_eq!(log.counts(), [1, left, 0, 0]);
            assert!(attachment.lock().mapping().is_none());

            // The new one takes the place of the old one.
            attachment.lock().map(DIR)?;
            attachment.lock().map(DIR)?;
            assert_eq!(log.counts(), [1, 1, 0, 0]);
            drop(attachment);
            assert_eq!(log.counts(), [0; 4]);
        }
        Ok(())
    }

    #[test]
    fn maps_after_it_has_moved() -> Result {
        let (dev, (buf, log)) = (Arc::new(device()?, GFP_KERNEL)?, moving()?);
        let attachment = follow(&dev, buf.clone().into(), false)?;

        move_away(&buf);
        assert_eq!(log.counts(), [1, 0, 0, 0]);
        attachment.lock().map(DIR)?;
        move_away(&buf);
        assert_eq!(attachment.calls.load(Relaxed), 2);
        assert!(attachment.lock().mapping().is_none());
        // What it has not unmapped stays until it does.
        assert_eq!(log.counts(), [1, 1, 0, 0]);
        assert!(attachment.lock().map(DIR).is_ok_and(is_moving));
        attachment.lock().pin()?;
        assert_eq!(log.counts(), [1, 1, 1, 0]);
        drop(attachment);
        assert_eq!(log.counts(), [0; 4]);
        // Nobody is there to be told.
        move_away(&buf);
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    #[test]
    fn pins() -> Result {
        let (dev, (buf, log)) = (Arc::new(device()?, GFP_KERNEL)?, moving()?);
        let attachment = follow(&dev, buf.clone().into(), true)?;

        {
            let mut locked = attachment.lock();
            locked.pin()?;
            locked.pin()?;
            assert!(locked.is_pinned());
            assert_eq!(log.counts(), [1, 0, 1, 0]);
            locked.unpin();
            locked.unpin();
            assert!(!locked.is_pinned());
            assert_eq!(log.counts(), [1, 0, 0, 0]);

            log.refuse.store(true, Relaxed);
            assert_eq!(locked.pin(), Err(ENOSPC));
            assert_eq!(locked.map(DIR).err(), Some(ENOSPC));
            assert!(locked.mapping().is_none());
            assert!(!locked.is_pinned());
            log.refuse.store(false, Relaxed);
            locked.pin()?;
            locked.map(DIR)?;
        }
        assert_eq!(log.counts(), [1, 1, 1, 0]);
        drop(attachment);
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    #[test]
    fn under_a_lock_of_many() -> Result {
        let (dev, (buf, log)) = (Arc::new(device()?, GFP_KERNEL)?, moving()?);
        let attachment = follow(&dev, buf.clone().into(), true)?;
        let other = crate::resv::new()?;
        let resvs: [&Resv; 2] = [&other, buf.resv()];

        let mut locked = AcquireCtx::new()?.lock_all(&resvs)?;
        for (mut guard, is_ours) in locked.guards().zip([false, true]) {
            let result = attachment
                .with_guard(&mut guard)
                .and_then(|mut locked| locked.map(DIR).map(|_| ()));

            assert_eq!(result.is_ok(), is_ours);
            assert!(is_ours || result == Err(EINVAL));
        }
        assert!(!unlocked(&buf));
        drop(locked);
        assert!(unlocked(&buf));
        assert_eq!(log.counts(), [1, 1, 0, 0]);
        Ok(())
    }
}
