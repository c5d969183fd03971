// SPDX-License-Identifier: GPL-2.0

//! What a driver can do without `unsafe`, and had better not. Nobody else may suffer from it.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_unwise)]
mod tests {
    use super::*;
    use crate::exporter::*;
    use core::iter;
    use kernel::{
        dma::{
            DataDirection,
            DmaMask, //
        },
        dma_buf::{
            importer::{
                Attachment,
                EmulatedDevice,
                KeepsBound, //
            },
            AllocEffort,
            DmaBuf,
            PageBlock,
            PageRun,
            PageSource, //
        },
        fs::file::flags::O_RDWR, //
    };

    const DIR: DataDirection = DataDirection::ToDevice;

    // Each test has its own: one that fails leaves the device there.
    fn device(name: &CStr) -> Result<EmulatedDevice> {
        EmulatedDevice::new(name, DmaMask::new::<64>())
    }

    /// A page that is there `shown` times, and `counted` times if one asks how often.
    struct Lying {
        block: PageBlock,
        shown: usize,
        counted: usize,
    }

    #[vtable]
    impl PageSource for Lying {
        fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
            iter::repeat(self.block.run()).take(self.shown)
        }

        fn count(&self) -> Result<usize> {
            Ok(self.counted)
        }
    }

    #[test]
    fn source_that_lies() -> Result {
        let dev = device(c"rust-dma-unwise-lies")?;

        for (shown, counted, result) in [
            (2, 2, None),
            (1, 2, Some(EINVAL)),
            (3, 2, Some(EINVAL)),
            (0, 1, Some(EINVAL)),
        ] {
            let block = PageBlock::alloc(0, AllocEffort::Required, false).ok_or(ENOMEM)?;
            let source = Lying {
                block,
                shown,
                counted,
            };
            let buf = DmaBuf::from_pages(c"lying", O_RDWR, source)?;

            let attachment = Attachment::new(buf, dev.device())?;
            // Once more: what has failed leaves nothing behind.
            assert_eq!(attachment.map_unlocked(DIR).err(), result);
            assert_eq!(attachment.map_unlocked(DIR).err(), result);
        }
        Ok(())
    }

    // On a stack of a few pages there is no room for a function that calls itself as often.
    #[test]
    fn maps_again_and_again() -> Result {
        let (dev, buf) = (device(c"rust-dma-unwise-again")?, pages()?);
        let attachment = Attachment::new(buf.clone(), dev.device())?;
        let mut mappings = KVVec::new();

        for _ in 0..2000 {
            mappings.push(attachment.map_unlocked(DIR)?, GFP_KERNEL)?;
        }
        drop(buf.begin_cpu_access(DIR)?);
        while let Some(mapping) = mappings.pop() {
            assert_eq!(mapping.iter().count(), 2);
            drop(mapping);
            if mappings.len() == 1000 {
                // Neither in the order in which they were made nor in reverse.
                drop(mappings.drain_all());
                drop(attachment.map_unlocked(DIR)?);
            }
        }
        drop(mappings);
        drop(attachment);
        Ok(())
    }
}
