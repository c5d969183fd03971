// SPDX-License-Identifier: GPL-2.0

//! What a driver can do without `unsafe`, and had better not. Nobody else may suffer from it.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_unwise)]
mod tests {
    use super::*;
    use crate::exporter::*;
    use kernel::{
        dma::{
            DataDirection,
            DmaMask, //
        },
        dma_buf::importer::{
            Attachment,
            EmulatedDevice,
            KeepsBound, //
        },
    };

    const DIR: DataDirection = DataDirection::ToDevice;

    // Each test has its own: one that fails leaves the device there.
    fn device(name: &CStr) -> Result<EmulatedDevice> {
        EmulatedDevice::new(name, DmaMask::new::<64>())
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
