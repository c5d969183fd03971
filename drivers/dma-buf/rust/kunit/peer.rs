// SPDX-License-Identifier: GPL-2.0

//! One device reaches the memory of another: QEMU's `ivshmem-plain`, whose BAR is memory, and its
//! `edu`, which copies to and from addresses on the bus.
//!
//! One `edu` has to be behind the same switch as the memory, another one elsewhere. What this does
//! not show: addresses on a bus that are not those of the CPU, which QEMU's boards do not have.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_peer)]
mod tests {
    use super::*;
    use crate::{
        bus_ranges::*,
        edu,
        importing::addresses,
        jobs::Jobs, //
    };
    use kernel::{
        device::{
            Bound,
            Core,
            Device, //
        },
        device_id::IdArray,
        devres::Devres,
        dma::DataDirection,
        dma_buf::{
            importer::{
                Attachment,
                DynamicAttachment,
                DynamicImporter,
                InDevres,
                MovingAttachment, //
            },
            Buffer,
            BusMemory, //
        },
        driver::Registration,
        io::Io,
        module::this_module,
        new_mutex,
        page::PAGE_SIZE,
        pci,
        sync::{
            aref::ARef,
            Arc,
            Completion,
            Mutex,
            PinnedOnce, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    const DIR: DataDirection = DataDirection::Bidirectional;
    /// Where a copy begins, and where it ends up: pages of the memory, those of a [`buffer`].
    const FROM: usize = 2;
    const TO: usize = 0;

    /// What the drivers tell the test, and each other.
    #[derive(Default)]
    struct Told {
        /// Two pages of memory, and an exporter that says that it has three.
        buffers: Option<[ARef<Buffer<Vram>>; 2]>,
        copies: usize,
        refused: KVec<[Option<Error>; 2]>,
        /// Whether what was copied is there.
        arrived: Option<bool>,
        /// Whether the engine is to let go when it is told to.
        leaving: bool,
        has_let_go: bool,
        after: Option<Error>,
    }

    static TOLD: PinnedOnce<Mutex<Told>> = PinnedOnce::new();

    fn told() -> Result<&'static Mutex<Told>> {
        TOLD.get().ok_or(ENODEV)
    }

    /// The word at `offset` of what is copied.
    fn pattern(offset: usize) -> u64 {
        !(offset as u64)
    }

    /// A device with memory: exports two pages of it.
    struct Memory;

    struct MemoryData<'bound> {
        bar: pci::Bar<'bound, { 4 * PAGE_SIZE }>,
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

            for offset in (0..edu::COPIED).step_by(8) {
                bar.try_write64(pattern(offset), FROM * PAGE_SIZE + offset)?;
                bar.try_write64(0, TO * PAGE_SIZE + offset)?;
            }
            // There is none, the upper half of number 2, and none with this number.
            for bar in [1, 3, 6, u32::MAX] {
                if BusMemory::of_bar(dev, bar).err() != Some(EINVAL) {
                    return Err(EBADE);
                }
            }
            let memory = BusMemory::of_bar(dev, 2)?;
            let buffers = [buffer(&memory, 2)?, buffer(&memory, 3)?];

            told()?.lock().buffers = Some(buffers);
            Ok(MemoryData { bar })
        }

        fn unbind<'bound>(_dev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
            let arrived = (0..edu::COPIED)
                .step_by(8)
                .all(|at| this.bar.try_read64(TO * PAGE_SIZE + at) == Ok(pattern(at)));

            if let Ok(told) = told() {
                told.lock().arrived = Some(arrived);
            }
        }
    }

    /// An importer that copes with memory of another device, and lets go of it a while after it was
    /// told to.
    #[pin_data]
    struct Waiting {
        #[pin]
        told: Completion,
    }

    struct Peer(Arc<Waiting>);

    impl Peer {
        fn new() -> Result<Self> {
            let waiting = pin_init!(Waiting { told <- Completion::new() });

            Ok(Self(Arc::pin_init(waiting, GFP_KERNEL)?))
        }
    }

    #[vtable]
    impl DynamicImporter for Peer {
        const ALLOW_PEER2PEER: bool = true;

        fn invalidate_mappings(attachment: &mut MovingAttachment<'_, Self>) {
            attachment.0.told.complete_all();
        }
    }

    /// A device that copies: from the first page of the buffer to its second one.
    struct Engine;

    struct EngineData {
        object: Devres<DynamicAttachment<InDevres, Peer>>,
        has_copied: bool,
    }

    static ENGINES: IdArray<pci::DeviceId, (), 1> = IdArray::new([(
        // Devices of no class.
        pci::DeviceId::from_class(0x00_ff00, 0xff_ff00),
        &(),
    )]);

    impl Engine {
        /// Copies within the memory, through `object`.
        fn run(
            bar: &pci::Bar<'_, { edu::END }>,
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
            edu::copy(bar, from, edu::STORAGE, edu::FETCH)?;
            edu::copy(bar, edu::STORAGE, to, edu::STORE)
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
            if (dev.vendor_id().as_raw(), dev.device_id()) != (edu::VENDOR, edu::DEVICE) {
                return Err(ENODEV);
            }
            dev.enable_device_mem()?;
            dev.set_master();

            let bound: &Device<Bound> = dev.as_ref();
            let bar = dev.iomap_region_sized::<{ edu::END }>(0, c"rust-kunit-peer")?;
            let [right, wrong] = told()?.lock().buffers.clone().ok_or(ENODEV)?;
            let object = DynamicAttachment::new_devres(right.into(), bound, Peer::new()?)?;
            let wrong = DynamicAttachment::new_devres(wrong.into(), bound, Peer::new()?)?;

            let result = [
                Self::run(&bar, object.access(bound)?).err(),
                wrong.access(bound)?.lock().map(DIR).err(),
            ];
            let has_copied = result[0].is_none();
            let mut told = told()?.lock();

            told.copies += usize::from(has_copied);
            told.refused.push(result, GFP_KERNEL)?;
            Ok(EngineData { object, has_copied })
        }

        fn unbind<'bound>(dev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
            let (Ok(told), Ok(object)) = (told(), this.object.access(dev.as_ref())) else {
                return;
            };

            if !told.lock().leaving || !this.has_copied {
                return;
            }
            object.0.told.wait_for_completion();
            // Whoever does not wait is through by then.
            fsleep(Delta::from_millis(100));
            told.lock().has_let_go = true;

            let mut locked = object.lock();
            locked.unmap();
            let after = locked.map(DIR).err();
            drop(locked);
            told.lock().after = after;
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

        // What fails here unbinds them on the way out; checks that end the test come when they are
        // gone.
        let memory = register::<Memory>(c"rust_kunit_memory")?;
        let [buffer, _] = told()?.lock().buffers.clone().ok_or(ENODEV)?;
        let engines = register::<Engine>(c"rust_kunit_engine")?;

        // One that is on no PCI bus, and one that wants pages.
        let dev = device(c"rust-kunit-peer")?;
        let elsewhere = DynamicAttachment::new(buffer.clone().into(), dev.clone(), Peer::new()?)?;
        let is_elsewhere = elsewhere.lock().map(DIR).err();
        let fixed = Attachment::new(buffer.into(), dev)?;
        let is_fixed = fixed.map_unlocked(DIR).err();

        // The memory goes while the engine still has it mapped.
        let mut jobs = Jobs::new()?;
        jobs.add(move || drop(engines))?;
        told()?.lock().leaving = true;
        jobs.begin();
        drop(memory);
        let has_let_go = told()?.lock().has_let_go;
        jobs.run();

        let told = core::mem::take(&mut *told()?.lock());
        let refused = &told.refused[..];
        assert_eq!(is_elsewhere, Some(EINVAL));
        assert_eq!(is_fixed, Some(EOPNOTSUPP));
        // Behind the same switch, and not.
        assert_eq!(told.copies, 1);
        assert_eq!(refused.len(), 2);
        assert!(refused.contains(&[None, Some(EINVAL)]));
        assert!(refused.contains(&[Some(EINVAL), Some(EINVAL)]));
        assert_eq!(told.arrived, Some(true));
        // It was waited for, and is not let in again.
        assert!(has_let_go);
        assert_eq!(told.after, Some(ENODEV));
        assert_eq!(elsewhere.lock().map(DIR).err(), Some(ENODEV));
        Ok(())
    }
}
