// SPDX-License-Identifier: GPL-2.0

//! Exporters of addresses on a bus, in a kernel where nobody gets there.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_bus)]
mod tests {
    use super::*;
    use crate::bus_ranges::*;
    use kernel::{
        dma::DataDirection,
        dma_buf::{
            importer::{
                self,
                DynamicAttachment,
                DynamicImporter,
                EmulatedDevice,
                MovingAttachment, //
            },
            Buffer, //
        },
        sync::{
            aref::ARef,
            Arc, //
        },
    };

    const DIR: DataDirection = DataDirection::Bidirectional;

    /// An importer that copes with anything.
    struct Peer;

    #[vtable]
    impl DynamicImporter for Peer {
        const ALLOW_PEER2PEER: bool = true;

        fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
            attachment.unmap();
        }
    }

    /// How it ends when `dev` maps `buf` as one that copes with anything.
    fn map_as_peer(dev: &Arc<EmulatedDevice>, buf: &ARef<Buffer<Vram>>) -> Result<Option<Error>> {
        let attachment = DynamicAttachment::new(buf.clone().into(), dev.clone(), Peer)?;
        let result = attachment.lock().map(DIR).err();

        Ok(result)
    }

    #[test]
    fn nobody_gets_there() -> Result {
        let owner = device(c"rust-kunit-bus-owner")?;
        let dev = device(c"rust-kunit-bus-importer")?;
        let memory = memory(&owner)?;

        assert_eq!(map_as_peer(&dev, &buffer(&memory, 2)?)?, Some(EINVAL));
        assert_eq!(map_as_peer(&dev, &buffer(&memory, 3)?)?, Some(EINVAL));

        // An importer of pages is not even asked where it is.
        let attachment = importer::Attachment::new(buffer(&memory, 2)?.into(), dev)?;
        assert_eq!(attachment.map_unlocked(DIR).err(), Some(EOPNOTSUPP));
        Ok(())
    }

    #[test]
    fn gone_with_its_device() -> Result {
        let owner = device(c"rust-kunit-bus-leaving")?;
        let dev = device(c"rust-kunit-bus-staying")?;
        let buf = buffer(&memory(&owner)?, 2)?;

        assert_eq!(map_as_peer(&dev, &buf)?, Some(EINVAL));
        // This does not wait: nothing is mapped.
        drop(owner);
        assert_eq!(map_as_peer(&dev, &buf)?, Some(ENODEV));
        Ok(())
    }
}
