// SPDX-License-Identifier: GPL-2.0

//! One device reaches the memory of another: QEMU's `ivshmem-plain`, whose BAR is memory, and its
//! `edu`, which copies to and from addresses on the bus.
//!
//! One `edu` has to be behind the same switch as the memory, another one elsewhere.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_peer)]
mod tests {
    use super::*;
    use crate::importing::addresses;
    use kernel::{
        device::{
            Bound,
            Core,
            Device, //
        },
        device_id::IdArray,
        devres::Devres,
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
                InDevres,
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
        driver::Registration,
        fs::file::flags::O_RDWR,
        io::{
            poll::read_poll_timeout,
            Io,
            ResourceSize, //
        },
        module::this_module,
        new_mutex,
        page::PAGE_SIZE,
        pci,
        sync::{
            aref::ARef,
            Arc,
            Mutex,
            PinnedOnce, //
        },
        time::Delta,
    };

    const DIR: DataDirection = DataDirection::Bidirectional;
    const PAGE: ResourceSize = PAGE_SIZE as ResourceSize;
    /// Where a copy begins, and where it ends up: pages of the memory.
    const FROM: usize = 2;
    const TO: usize = 0;
    /// What the engine copies at once; it has twice as much, of which its model cannot use all.
    const COPIED: usize = 2048;

    /// What the drivers tell the test, and each other.
    #[derive(Default)]
    struct Told {
        buffer: Option<ARef<Buffer<Vram>>>,
        copies: usize,
        refused: KVec<Error>,
        arrived: Option<bool>,
        after: KVec<Option<Error>>,
    }

    static TOLD: PinnedOnce<Mutex<Told>> = PinnedOnce::new();

    fn told() -> Result<&'static Mutex<Told>> {
        TOLD.get().ok_or(ENODEV)
    }

    /// The word at `offset` of what is copied.
    fn pattern(offset: usize) -> u64 {
        !(offset as u64)
    }

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

    /// A device with memory: exports two pages of it.
    struct Memory;

    struct MemoryData<'bound> {
        bar: pci::Bar<'bound, { 4 * PAGE_SIZE }>,
        buffer: ARef<Buffer<Vram>>,
    }

    // No `pci_device_table!`, so that nothing loads the tests when there is such a device.
    static MEMORIES: IdArray<pci::DeviceId, (), 1> = IdArray::new([(
        pci::DeviceId::from_id(pci::Vendor::REDHAT_QUMRANET, 0x1110),
        &(),
    )]);

    impl pci::Driver for Memory {
        type IdInfo = ();
        type Data<'bound> = MemoryData<'bound>;

        const ID_TABLE: pci::IdTable<Self::IdInfo> = &MEMORIES;

        fn probe<'bound>(
            dev: &'bound pci::Device<Core<'_>>,
            _info: Option<&'bound Self::IdInfo>,
        ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
            dev.enable_device_mem()?;
            let bar = dev.iomap_region_sized::<{ 4 * PAGE_SIZE }>(2, c"rust-kunit-peer")?;

            for offset in (0..COPIED).step_by(8) {
                bar.try_write64(pattern(offset), FROM * PAGE_SIZE + offset)?;
                bar.try_write64(0, TO * PAGE_SIZE + offset)?;
            }
            // There is none, the upper half of number 2, and none with this number.
            for bar in [1, 3, 6, u32::MAX] {
                if BusMemory::of_bar(dev, bar).err() != Some(EINVAL) {
                    return Err(EBADE);
                }
            }
            let mut ranges = BusRanges::new(BusMemory::of_bar(dev, 2)?);
            for page in [FROM, TO] {
                let start = page as ResourceSize * PAGE;
                ranges.push(start..start + PAGE)?;
            }
            let info = ExportInfo {
                name: c"vram",
                size: ranges.size(),
                flags: O_RDWR,
            };
            let buffer = Buffer::export(info, KBox::new(Vram(ranges), GFP_KERNEL)?)?;

            told()?.lock().buffer = Some(buffer.clone());
            Ok(MemoryData { bar, buffer })
        }

        fn unbind<'bound>(_dev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
            let arrived = (0..COPIED)
                .step_by(8)
                .all(|at| this.bar.try_read64(TO * PAGE_SIZE + at) == Ok(pattern(at)));

            if let Ok(told) = told() {
                told.lock().arrived = Some(arrived);
            }
            // Unbinding waits for importers, who are to go now.
            this.buffer.lock().invalidate_mappings();
        }
    }

    /// An importer that copes with memory of another device, and lets go of it.
    struct Peer;

    #[vtable]
    impl DynamicImporter for Peer {
        const ALLOW_PEER2PEER: bool = true;

        fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
            attachment.unmap();
        }
    }

    /// A device that copies: from the first page of the buffer to its second one.
    struct Engine;

    struct EngineData {
        object: Devres<DynamicAttachment<InDevres, Peer>>,
    }

    mod registers {
        pub(super) const SOURCE: usize = 0x80;
        pub(super) const DESTINATION: usize = 0x88;
        pub(super) const LENGTH: usize = 0x90;
        pub(super) const COMMAND: usize = 0x98;
        pub(super) const END: usize = 0xa0;

        /// Commands: the first bit is there as long as the engine works.
        pub(super) const FETCH: u64 = 1;
        pub(super) const STORE: u64 = 3;
        /// Where the engine keeps what it has fetched.
        pub(super) const STORAGE: u64 = 0x40000;
    }

    static ENGINES: IdArray<pci::DeviceId, (), 1> = IdArray::new([(
        // The kernel has no name for its vendor. These are devices of no class.
        pci::DeviceId::from_class(0x00_ff00, 0xff_ff00),
        &(),
    )]);

    impl Engine {
        fn copy(
            bar: &pci::Bar<'_, { registers::END }>,
            from: DmaAddress,
            to: DmaAddress,
            command: u64,
        ) -> Result {
            bar.try_write64(from, registers::SOURCE)?;
            bar.try_write64(to, registers::DESTINATION)?;
            bar.try_write64(COPIED as u64, registers::LENGTH)?;
            bar.try_write64(command, registers::COMMAND)?;
            // 100 ms on the clock of the guest.
            read_poll_timeout(
                || bar.try_read64(registers::COMMAND),
                |command| command & 1 == 0,
                Delta::from_millis(10),
                Delta::from_secs(60),
            )?;
            Ok(())
        }

        /// Copies within the memory, through `object`.
        fn run(
            bar: &pci::Bar<'_, { registers::END }>,
            object: &DynamicAttachment<InDevres, Peer>,
        ) -> Result {
            let mut locked = object.lock();
            let table = addresses(locked.map(DIR)?)?;

            // There is no memory in between.
            let [(from, from_len), (to, to_len)] = table[..] else {
                return Err(EBADE);
            };
            if (from_len, to_len) != (PAGE, PAGE) || from != to + (FROM - TO) as u64 * PAGE {
                return Err(EBADE);
            }
            Self::copy(bar, from, registers::STORAGE, registers::FETCH)?;
            Self::copy(bar, registers::STORAGE, to, registers::STORE)
        }
    }

    impl pci::Driver for Engine {
        type IdInfo = ();
        type Data<'bound> = EngineData;

        const ID_TABLE: pci::IdTable<Self::IdInfo> = &ENGINES;

        fn probe<'bound>(
            dev: &'bound pci::Device<Core<'_>>,
            _info: Option<&'bound Self::IdInfo>,
        ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
            if dev.device_id() != 0x11e8 {
                return Err(ENODEV);
            }
            dev.enable_device_mem()?;
            dev.set_master();

            let bound: &Device<Bound> = dev.as_ref();
            let bar = dev.iomap_region_sized::<{ registers::END }>(0, c"rust-kunit-peer")?;
            let buffer = told()?.lock().buffer.clone().ok_or(ENODEV)?;
            let object = DynamicAttachment::new_devres(buffer.into(), bound, Peer)?;

            match Self::run(&bar, object.access(bound)?) {
                Ok(()) => told()?.lock().copies += 1,
                Err(error) => told()?.lock().refused.push(error, GFP_KERNEL)?,
            }
            Ok(EngineData { object })
        }

        fn unbind<'bound>(dev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
            let result = this.object.access(dev.as_ref()).map(|object| {
                let mut locked = object.lock();
                assert!(locked.mapping().is_none());
                locked.map(DIR).err()
            });

            if let (Ok(told), Ok(result)) = (told(), result) {
                let _ = told.lock().after.push(result, GFP_KERNEL);
            }
        }
    }

    fn register<T: pci::Driver + 'static>(
        name: &'static CStr,
    ) -> Result<Pin<KBox<Registration<pci::Adapter<T>>>>> {
        KBox::pin_init(
            Registration::new(name, this_module::<crate::LocalModule>()),
            GFP_KERNEL,
        )
    }

    #[test]
    fn copies_from_device_to_device() -> Result {
        TOLD.init(new_mutex!(Told::default()));
        *told()?.lock() = Told::default();

        let memory = register::<Memory>(c"rust_kunit_memory")?;
        let buffer = told()?.lock().buffer.clone();
        // QEMU has to have an ivshmem-plain.
        assert!(buffer.is_some());
        let buffer = buffer.ok_or(ENODEV)?;
        assert_eq!(buffer.size(), 2 * PAGE_SIZE);

        let engines = register::<Engine>(c"rust_kunit_engine")?;
        // Behind the same switch, and elsewhere.
        assert_eq!(told()?.lock().copies, 1);
        assert_eq!(&told()?.lock().refused[..], &[EINVAL]);

        // One that is on no PCI bus, and one that wants pages.
        let dev = EmulatedDevice::new(c"rust-kunit-peer", DmaMask::new::<64>())?;
        let dev = Arc::new(dev, GFP_KERNEL)?;
        let elsewhere = DynamicAttachment::new(buffer.clone().into(), dev.clone(), Peer)?;
        assert_eq!(elsewhere.lock().map(DIR).err(), Some(EINVAL));
        let fixed = Attachment::new(buffer.clone().into(), dev.clone())?;
        assert_eq!(fixed.map_unlocked(DIR).err(), Some(EOPNOTSUPP));

        // The engine still has it mapped, is told, and lets go.
        drop(memory);
        assert_eq!(told()?.lock().arrived, Some(true));
        assert_eq!(elsewhere.lock().map(DIR).err(), Some(ENODEV));
        drop(engines);
        assert_eq!(&told()?.lock().after[..], &[Some(ENODEV), Some(ENODEV)]);
        *told()?.lock() = Told::default();
        Ok(())
    }
}
