// SPDX-License-Identifier: GPL-2.0

//! Exporters of coherent memory.

use kernel::prelude::*;

#[kunit_tests(rust_dma_coherent)]
mod tests {
    use super::*;
    use crate::warnings::warnings_of;
    use kernel::{
        device::Device,
        dma::{
            Coherent,
            CoherentOwner,
            DataDirection,
            DmaMask, //
        },
        dma_buf::{
            importer::{
                EmulatedDevice,
                KeepsBound, //
            },
            AttachedDevice,
            Buffer,
            ExportInfo,
            Exporter,
            MappedTable,
            VmapAddress, //
        },
        fs::file::flags::O_RDWR,
        page::PAGE_SIZE,
        sync::aref::ARef, //
    };

    /// An exporter that shows its own memory, or mistakes that of another buffer for it.
    struct Shown {
        memory: Coherent<[u8]>,
        mistaken: Option<ARef<Buffer<Shown>>>,
    }

    impl CoherentOwner for Shown {
        fn coherent(&self) -> Result<&Coherent<[u8]>> {
            Ok(&self.memory)
        }
    }

    #[vtable]
    impl Exporter for Shown {
        type Attachment = ();

        fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result {
            Ok(())
        }

        fn map(
            attachment: &mut AttachedDevice<'_, Self>,
            dir: DataDirection,
        ) -> Result<MappedTable> {
            attachment.map_coherent(dir)
        }

        fn unmap(
            attachment: &mut AttachedDevice<'_, Self>,
            mapping: MappedTable,
            _dir: DataDirection,
        ) {
            attachment.unmap_coherent(mapping);
        }

        fn vmap(buf: &Buffer<Self>) -> Result<VmapAddress> {
            buf.data()
                .mistaken
                .as_deref()
                .unwrap_or(buf)
                .vmap_coherent()
        }

        fn vunmap(_buf: &Buffer<Self>, _addr: VmapAddress) {}
    }

    fn buffer(
        dev: &EmulatedDevice,
        pages: usize,
        mistaken: Option<ARef<Buffer<Shown>>>,
    ) -> Result<ARef<Buffer<Shown>>> {
        let size = pages * PAGE_SIZE;
        let memory = Coherent::zeroed_slice(dev.device(), size, GFP_KERNEL)?;
        let info = ExportInfo {
            name: c"coherent",
            size,
            flags: O_RDWR,
        };

        Buffer::export(info, KBox::new(Shown { memory, mistaken }, GFP_KERNEL)?)
    }

    #[test]
    fn memory_of_another_buffer() -> Result {
        let dev = EmulatedDevice::new(c"rust-dma-coherent-kunit", DmaMask::new::<64>())?;
        let short = buffer(&dev, 1, None)?;
        let long = buffer(&dev, 2, Some(short.clone()))?;

        short.vmap()?.write(PAGE_SIZE - 1, &[7])?;
        let (result, warnings) = warnings_of(|| long.vmap().err());
        assert_eq!(result, Some(EINVAL));
        assert!(warnings > 0);

        // It is not mapped, and can be let go.
        assert!(long.is_idle() && short.is_idle());
        Ok(())
    }
}
