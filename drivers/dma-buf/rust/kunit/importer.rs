// SPDX-License-Identifier: GPL-2.0

//! Importers.

use kernel::prelude::*;

#[kunit_tests(rust_dma_importer)]
mod tests {
    use super::*;
    use crate::{
        exporter::*,
        mock, //
    };
    use core::ptr;
    use kernel::{
        dma::{
            DataDirection,
            DmaAddress,
            DmaMask, //
        },
        dma_buf::{
            importer::{
                Attachment,
                DynamicAttachment,
                DynamicImporter,
                EmulatedDevice,
                KeepsBound,
                Mapping,
                MovingAttachment, //
            },
            AcquireCtx,
            DmaBuf,
            Resv,
            Usage, //
        },
        io::{
            Io,
            IoSysMap,
            ResourceSize, //
        },
        page::PAGE_SIZE,
        scatterlist::SGTable,
        sync::{
            aref::ARef,
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc, //
        },
    };

    const DIR: DataDirection = DataDirection::ToDevice;

    fn device() -> Result<EmulatedDevice> {
        EmulatedDevice::new(c"rust-dma-importer-kunit", DmaMask::new::<64>())
    }

    /// Whether nobody has the reservation object of `buf` locked.
    fn unlocked(buf: &DmaBuf) -> bool {
        buf.resv().try_lock().is_some()
    }

    fn addresses(table: &SGTable) -> Result<KVec<(DmaAddress, ResourceSize)>> {
        let mut all = KVec::new();

        for entry in table.iter() {
            all.push((entry.dma_address(), entry.dma_len()), GFP_KERNEL)?;
        }
        Ok(all)
    }

    /// What a [`moving`] buffer has mapped.
    fn is_moving(table: &SGTable) -> bool {
        addresses(table).is_ok_and(|all| *all == [(ADDRESS, 2 * PAGE_SIZE as ResourceSize)])
    }

    #[test]
    fn no_such_buffer() {
        for fd in [-1, i32::MIN, i32::MAX, 12345] {
            assert_eq!(DmaBuf::from_fd(fd).err(), Some(EBADF));
        }
    }

    #[test]
    fn a_mask_too_small() -> Result {
        let small = EmulatedDevice::new(c"rust-dma-importer-small", DmaMask::new::<4>());

        assert_eq!(small.err(), Some(EIO));
        // It is gone, and so its name is free.
        EmulatedDevice::new(c"rust-dma-importer-small", DmaMask::new::<64>())?;
        Ok(())
    }

    #[test]
    fn attaches_and_maps() -> Result {
        let (dev, (buf, log)) = (device()?, moving()?);
        let attachment = Attachment::new(buf.clone().into(), dev.device())?;

        assert!(ptr::eq(attachment.buffer(), &**buf));
        assert!(ptr::eq(attachment.device(), dev.device()));
        assert_eq!(log.counts(), [1, 0, 0, 0]);
        {
            let mapping = attachment.map_unlocked(DIR)?;
            // Memory that can move is pinned for devices that cannot follow.
            assert_eq!(log.counts(), [1, 1, 1, 0]);
            assert!(is_moving(&mapping));
            assert!(unlocked(&buf));
        }
        assert_eq!(log.counts(), [1, 0, 0, 0]);
        drop(attachment);
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    #[test]
    fn maps_with_the_lock() -> Result {
        let (dev, (buf, log)) = (device()?, moving()?);
        let mut attachment = Attachment::new(buf.clone().into(), dev.device())?;
        let fence = mock::fence()?;

        let mut locked = attachment.lock();
        assert!(!unlocked(&buf));
        assert!(ptr::eq(locked.guard().resv(), buf.resv()));
        let mut mapping = locked.map(DIR)?;
        assert!(!unlocked(&buf));
        assert!(is_moving(&mapping));
        assert!(mapping
            .guard()
            .reserve_slots(1)?
            .add(fence.as_leaf(), Usage::Read));
        drop(mapping);
        assert!(unlocked(&buf));
        assert_eq!(log.counts(), [1, 0, 0, 0]);

        let mapping = attachment.lock().map(DIR)?.unlock();
        assert!(unlocked(&buf));
        assert!(is_moving(&mapping));
        assert_eq!(log.counts(), [1, 1, 1, 0]);
        drop(mapping);
        assert_eq!(log.counts(), [1, 0, 0, 0]);
        Ok(())
    }

    #[test]
    fn two_mappings() -> Result {
        let (dev, (buf, log)) = (device()?, moving()?);
        let attachment = Attachment::new(buf.into(), dev.device())?;

        let a = attachment.map_unlocked(DIR)?;
        let b = attachment.map_unlocked(DataDirection::Bidirectional)?;
        assert_eq!(log.counts(), [1, 2, 2, 0]);
        drop(a);
        assert!(is_moving(&b));
        drop(b);
        drop(attachment);
        assert_eq!(log.counts(), [0; 4]);

        let attachment = Attachment::new(pages()?, dev.device())?;
        let a = attachment.map_unlocked(DIR)?;
        let b = attachment.map_unlocked(DIR)?;
        assert_eq!(addresses(&a)?, addresses(&b)?);
        Ok(())
    }

    #[test]
    fn undone_in_order() -> Result {
        let (dev, (buf, log)) = (Arc::new(device()?, GFP_KERNEL)?, moving()?);
        let mapping = Attachment::new(buf.into(), dev.clone())?.into_mapping(DIR)?;

        // The mapping keeps device and buffer.
        drop(dev);
        release_all();
        assert_eq!(log.released.load(Relaxed), 0);
        assert_eq!(log.counts(), [1, 1, 1, 0]);
        assert!(is_moving(&mapping));
        drop(mapping);
        assert_eq!(log.counts(), [0; 4]);
        release_all();
        assert_eq!(log.released.load(Relaxed), 1);

        let (dev, (buf, log)) = (device()?, moving()?);
        let attachment = Arc::new(Attachment::new(buf.into(), dev)?, GFP_KERNEL)?;
        let mapping = Mapping::new(attachment.clone(), DIR)?;
        drop(attachment);
        assert_eq!(log.counts(), [1, 1, 1, 0]);
        drop(mapping);
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    #[test]
    fn goes_with_the_device() -> Result {
        let (dev, (buf, log)) = (device()?, moving()?);
        let mapping = Mapping::new_managed(buf.clone().into(), dev.device(), DIR)?;
        let attachment = Attachment::new_managed(buf.into(), dev.device())?;

        assert!(is_moving(mapping.access(dev.device())?));
        assert!(attachment.try_access().is_some());
        assert_eq!(log.counts(), [2, 1, 1, 0]);
        drop(dev);
        assert_eq!(log.counts(), [0; 4]);
        assert!(mapping.try_access().is_none());
        drop(mapping);
        drop(attachment);
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }

    #[test]
    fn refused() -> Result {
        let (dev, (buf, log)) = (device()?, moving()?);
        let new = || Attachment::new(buf.clone().into(), dev.device());
        let mut attachment = new()?;

        log.refuse.store(true, Relaxed);
        assert_eq!(new().err(), Some(ENOSPC));
        assert_eq!(attachment.map_unlocked(DIR).err(), Some(ENOSPC));
        assert_eq!(attachment.lock().map(DIR).err(), Some(ENOSPC));
        assert!(unlocked(&buf));
        assert_eq!(buf.begin_cpu_access(DIR).err(), Some(ENOSPC));
        assert_eq!(log.counts(), [1, 0, 0, 0]);
        log.refuse.store(false, Relaxed);
        drop(attachment.map_unlocked(DIR)?);
        Ok(())
    }

    #[test]
    fn no_direction() -> Result {
        let (dev, (buf, log)) = (Arc::new(device()?, GFP_KERNEL)?, moving()?);
        let none = DataDirection::None;
        {
            let mut attachment = Attachment::new(buf.clone().into(), dev.device())?;

            assert_eq!(attachment.map_unlocked(none).err(), Some(EINVAL));
            assert_eq!(attachment.lock().map(none).err(), Some(EINVAL));
        }
        let attachment = follow(&dev, buf.clone().into(), true)?;
        assert_eq!(attachment.lock().map(none).err(), Some(EINVAL));
        assert!(unlocked(&buf));
        assert_eq!(buf.begin_cpu_access(none).err(), Some(EINVAL));
        assert_eq!(log.counts(), [1, 0, 0, 0]);
        Ok(())
    }

    /// An importer that unmaps what is invalidated, or does not.
    struct Follower {
        calls: Atomic<i32>,
        unmaps: bool,
    }

    #[vtable]
    impl DynamicImporter for Follower {
        fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
            attachment.calls.add(1, Relaxed);
            assert_eq!(attachment.fences(Usage::Bookkeep).count(), 0);
            assert!(!unlocked(attachment.buffer()));
            if attachment.unmaps {
                attachment.unmap();
            }
        }
    }

    type Follows = DynamicAttachment<Arc<EmulatedDevice>, Follower>;

    fn follow(dev: &Arc<EmulatedDevice>, buf: ARef<DmaBuf>, unmaps: bool) -> Result<Follows> {
        let follower = Follower {
            calls: Atomic::new(0),
            unmaps,
        };
        DynamicAttachment::new(buf, dev.clone(), follower)
    }

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

    #[test]
    fn reads_as_the_device() -> Result {
        let (dev, buf) = (Arc::new(device()?, GFP_KERNEL)?, pages()?);
        let size = 3 * PAGE_SIZE;
        let mut all = KVVec::from_elem(0u8, size + 1, GFP_KERNEL)?;

        for (byte, number) in all.iter_mut().zip(1u32..) {
            *byte = (number.wrapping_mul(2_654_435_761) >> 24) as u8;
        }
        buf.vmap()?.write(0, &all[..size])?;

        let mapping = Attachment::new(buf.clone(), dev.clone())?.into_mapping(DIR)?;
        let mut found = KVVec::from_elem(0u8, size + 1, GFP_KERNEL)?;
        assert_eq!(mapping.reader().read(&mut found)?, size);
        assert!(found[..size] == all[..size]);

        // Pieces that are no pages, and the end.
        let mut reader = mapping.reader();
        assert_eq!(reader.read(&mut [])?, 0);
        for want in all[..size].chunks(1000) {
            assert_eq!(reader.read(&mut found[..1000])?, want.len());
            assert!(found[..want.len()] == *want);
        }
        assert_eq!(reader.read(&mut found)?, 0);

        let attachment = follow(&dev, buf, true)?;
        let mut locked = attachment.lock();
        assert!(attachment.reader(&locked).is_none());
        locked.map(DIR)?;
        let mut reader = attachment.reader(&locked).ok_or(EINVAL)?;
        assert_eq!(reader.read(&mut found)?, size);
        assert!(found[..size] == all[..size]);
        Ok(())
    }

    #[test]
    fn reads_nothing_but_memory() -> Result {
        // At the address of a buffer without memory there is none on any machine that is tested.
        let (dev, (buf, _)) = (device()?, moving()?);
        let attachment = Attachment::new(buf.into(), dev)?;

        assert_eq!(
            attachment.map_unlocked(DIR)?.reader().read(&mut [0; 4]),
            Err(ENXIO)
        );
        Ok(())
    }

    #[test]
    fn in_the_kernel() -> Result {
        let (buf, other) = (pages()?, pages()?);
        let mut bytes = [0; 6];

        {
            let contents = buf.vmap()?;
            assert!(ptr::eq(contents.buffer(), &*buf));
            assert!(matches!(contents.view(), IoSysMap::Sys(_)));
            assert_eq!(contents.view().len(), buf.size());
            contents.write(PAGE_SIZE - 3, b"abcdef")?;
            contents.read(PAGE_SIZE - 2, &mut bytes)?;
            assert_eq!(bytes, *b"bcdef\0");
            for (offset, len) in [(buf.size(), 1), (buf.size() - 5, 6), (usize::MAX, 1)] {
                assert_eq!(contents.read(offset, &mut bytes[..len]), Err(ERANGE));
                assert_eq!(contents.write(offset, &bytes[..len]), Err(ERANGE));
            }
            contents.read(buf.size(), &mut [])?;
        }

        let guard = buf.resv().lock();
        assert_eq!(other.vmap_locked(&guard).err(), Some(EINVAL));
        let contents = buf.vmap_locked(&guard)?;
        let again = buf.vmap_locked(&guard)?;
        contents.read(PAGE_SIZE - 3, &mut bytes)?;
        assert_eq!(bytes, *b"abcdef");
        drop(contents);
        again.read(PAGE_SIZE - 3, &mut bytes)?;
        drop(again);
        drop(guard);

        // It keeps the buffer.
        let contents = buf.vmap()?;
        drop(buf);
        release_all();
        contents.read(PAGE_SIZE - 3, &mut bytes)?;
        assert_eq!(bytes, *b"abcdef");

        assert_eq!(moving()?.0.vmap().err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn by_cpu() -> Result {
        let (buf, log) = moving()?;
        let begin = || buf.begin_cpu_access(DataDirection::FromDevice);

        let access = begin()?;
        assert_eq!(log.counts(), [0, 0, 0, 1]);
        access.end()?;
        assert_eq!(log.counts(), [0; 4]);
        drop(begin()?);
        assert_eq!(log.counts(), [0; 4]);

        let access = begin()?;
        log.refuse.store(true, Relaxed);
        assert_eq!(access.end(), Err(ENOSPC));
        assert_eq!(log.counts(), [0; 4]);
        Ok(())
    }
}
