// SPDX-License-Identifier: GPL-2.0

//! Importers.

use kernel::prelude::*;

#[kunit_tests(rust_dma_importer)]
mod tests {
    use super::*;
    use crate::{
        exporter::*,
        importing::*,
        mock, //
    };
    use core::ptr;
    use kernel::{
        dma::{
            DataDirection,
            DmaMask, //
        },
        dma_buf::{
            importer::{
                Attachment,
                EmulatedDevice,
                KeepsBound,
                Mapping, //
            },
            DmaBuf,
            Usage, //
        },
        io::{
            Io,
            IoSysMap, //
        },
        page::PAGE_SIZE,
        sync::{
            atomic::Relaxed,
            Arc, //
        },
    };

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
            .reserve_fences(1)?
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
        let mapping = Mapping::new_devres(buf.clone().into(), dev.device(), DIR)?;
        let attachment = Attachment::new_devres(buf.into(), dev.device())?;

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
