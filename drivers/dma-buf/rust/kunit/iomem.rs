// SPDX-License-Identifier: GPL-2.0

//! Buffers of I/O memory.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_iomem)]
mod tests {
    use super::*;
    use crate::warnings::warnings_of;
    use kernel::{
        device::Device,
        dma::DataDirection,
        dma_buf::{
            AttachedDevice,
            Buffer,
            ExportInfo,
            Exporter,
            MappedTable,
            VmapAddress, //
        },
        fs::file::flags::O_RDWR,
        io::{
            IoSysMap,
            Mmio,
            MmioRaw,
            Region, //
        },
        sync::{
            aref::ARef,
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc, //
        },
    };

    const SIZE: usize = 64 * size_of::<u32>();

    /// As far as others are told this is I/O memory, of so many bytes.
    struct Registers {
        memory: KBox<[Atomic<u32>; 64]>,
        told: usize,
        mapped: Arc<Atomic<i32>>,
    }

    #[vtable]
    impl Exporter for Registers {
        type Attachment = ();

        fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result {
            Err(EBUSY)
        }

        fn map(
            _attachment: &mut AttachedDevice<'_, Self>,
            _dir: DataDirection,
        ) -> Result<MappedTable> {
            Err(EBUSY)
        }

        fn unmap(
            _attachment: &mut AttachedDevice<'_, Self>,
            _map: MappedTable,
            _dir: DataDirection,
        ) {
        }

        fn vmap(buf: &Buffer<Self>) -> Result<VmapAddress> {
            let data = buf.data();

            let addr = core::ptr::from_ref(&*data.memory).addr();
            let raw = MmioRaw::<Region>::new_region(addr, data.told)?;

            // SAFETY: There are no less bytes, as long as the buffer is there. Where this is tested
            // they can be accessed in this way, too.
            let addr = unsafe { VmapAddress::new_iomem(Mmio::from_raw(raw)) }?;
            data.mapped.add(1, Relaxed);
            Ok(addr)
        }

        fn vunmap(buf: &Buffer<Self>, addr: VmapAddress) {
            assert!(addr.is_iomem());
            buf.data().mapped.add(-1, Relaxed);
        }
    }

    fn buffer(told: usize) -> Result<ARef<Buffer<Registers>>> {
        let data = Registers {
            memory: KBox::new([const { Atomic::new(0x0102_0304) }; 64], GFP_KERNEL)?,
            told,
            mapped: Arc::new(Atomic::new(0), GFP_KERNEL)?,
        };
        let info = ExportInfo {
            name: c"registers",
            size: SIZE,
            flags: O_RDWR,
        };

        Buffer::export(info, KBox::new(data, GFP_KERNEL)?)
    }

    #[test]
    fn is_told_to_importers() -> Result {
        let buf = buffer(SIZE)?;
        let mapped = buf.data().mapped.clone();
        let mut word = [0; 4];

        let vmap = buf.vmap()?;
        assert!(matches!(vmap.view(), IoSysMap::Io(_)));
        vmap.read(4, &mut word)?;
        assert_eq!(u32::from_ne_bytes(word), 0x0102_0304);
        vmap.write(8, &7u32.to_ne_bytes())?;
        assert_eq!(buf.data().memory[2].load(Relaxed), 7);
        assert_eq!(vmap.write(SIZE - 3, &word), Err(ERANGE));

        // Others have the same mapping. An exporter does not get it as if it were memory.
        let again = buf.vmap()?;
        assert_eq!(mapped.load(Relaxed), 1);
        assert!(buf.lock().vmapping().is_none());
        drop(vmap);
        assert_eq!(mapped.load(Relaxed), 1);
        drop(again);
        assert_eq!(mapped.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn shorter_than_the_buffer() -> Result {
        let buf = buffer(SIZE - 4)?;
        let (result, warnings) = warnings_of(|| buf.vmap().err());

        assert_eq!(result, Some(EINVAL));
        assert!(warnings > 0);
        assert!(buf.is_idle());
        Ok(())
    }
}
