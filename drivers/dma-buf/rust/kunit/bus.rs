// SPDX-License-Identifier: GPL-2.0

//! Exporters of addresses on a bus, in a kernel where nobody gets there.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_bus)]
mod tests {
    use super::*;
    use crate::bus_ranges::*;
    use kernel::{
        device::Device,
        dma::DataDirection,
        dma_buf::{
            importer::{
                self,
                DynamicAttachment,
                DynamicImporter,
                EmulatedDevice,
                MovingAttachment, //
            },
            AttachedDevice,
            Buffer,
            BusMemory,
            BusRanges,
            ExportInfo,
            Exporter,
            MappedTable, //
        },
        fs::file::flags::O_RDWR,
        page::PAGE_SIZE,
        sync::{
            aref::ARef,
            Arc, //
        },
    };

    const DIR: DataDirection = DataDirection::Bidirectional;

    struct Vram(BusRanges);

    #[vtable]
    impl Exporter for Vram {
        type Attachment = ();

        fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result {
            Ok(())
        }

        fn map(
            attachment: &mut AttachedDevice<'_, Self>,
            dir: DataDirection,
        ) -> Result<MappedTable> {
            attachment.map_bus(&attachment.buffer().data().0, dir)
        }

        fn unmap(attachment: &mut AttachedDevice<'_, Self>, map: MappedTable, _dir: DataDirection) {
            attachment.unmap_bus(map);
        }
    }

    /// An importer that copes with anything.
    struct Peer;

    #[vtable]
    impl DynamicImporter for Peer {
        const ALLOW_PEER2PEER: bool = true;

        fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
            attachment.unmap();
        }
    }

    /// A buffer of `pages`, of which the ranges have two.
    fn buffer(memory: &Arc<BusMemory>, pages: usize) -> Result<ARef<Buffer<Vram>>> {
        let mut ranges = BusRanges::new(memory.clone());

        ranges.push(2 * PAGE..3 * PAGE)?;
        ranges.push(0..PAGE)?;
        assert_eq!(ranges.size(), 2 * PAGE_SIZE);

        let info = ExportInfo {
            name: c"vram",
            size: pages * PAGE_SIZE,
            flags: O_RDWR,
        };
        Buffer::export(info, KBox::new(Vram(ranges), GFP_KERNEL)?)
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
