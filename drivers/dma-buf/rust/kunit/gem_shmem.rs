// SPDX-License-Identifier: GPL-2.0

//! GEM objects of shmem, and of the memory of others.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_gem_shmem)]
mod tests {
    use super::*;
    use core::ptr;
    use kernel::{
        device::DeviceContext,
        dma_buf::{
            AcquireCtx,
            AllocEffort,
            DmaBuf,
            HasResv,
            PageBlock,
            PageRun,
            PageSource, //
        },
        drm::{
            self,
            gem::{
                self,
                prime::{
                    PrimeClass,
                    PrimeObject, //
                },
                shmem::{
                    Object,
                    ObjectConfig, //
                },
                BaseObject,
                DriverObject, //
            },
            Registered,
            UnregisteredDevice, //
        },
        faux,
        fs::file::flags::O_RDWR,
        io::Io,
        page::PAGE_SIZE,
        sync::aref::ARef, //
    };

    struct Card;

    struct File;

    impl drm::file::DriverFile for File {
        type Driver = Card;

        fn open(_dev: &drm::Device<Card>) -> Result<Pin<KBox<Self>>> {
            Ok(KBox::new(Self, GFP_KERNEL)?.into())
        }
    }

    struct Numbered(u32);

    impl DriverObject for Numbered {
        type Driver = Card;
        type Args = u32;
        const HOOKS: gem::Hooks<Self> = gem::Hooks::NONE.prime();

        fn new(_dev: &drm::Device<Card>, _size: usize, number: u32) -> impl PinInit<Self, Error> {
            Ok(Self(number))
        }
    }

    impl PrimeObject for Numbered {
        fn export(_obj: &Object<Self>, flags: u32) -> Result<ARef<DmaBuf>> {
            buffer(flags)
        }

        fn import(dev: &drm::Device<Card, Registered>, buf: &DmaBuf) -> Result<ARef<Object<Self>>> {
            Object::new_imported(dev, buf.into(), 7)
        }
    }

    #[vtable]
    impl drm::Driver for Card {
        type Data = ();
        type RegistrationData<'a> = ();
        type File = File;
        type Object = Object<Numbered>;
        type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;

        const INFO: drm::DriverInfo = drm::DriverInfo {
            major: 0,
            minor: 0,
            patchlevel: 0,
            name: c"rust-dma-buf-shmem",
            desc: c"Rust DMA-BUF KUnit",
        };
        const IOCTLS: &'static [drm::ioctl::DrmIoctlDescriptor] = &[];
    }

    struct Pages(PageBlock);

    #[vtable]
    impl PageSource for Pages {
        fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
            core::iter::once(self.0.run())
        }
    }

    fn buffer(flags: u32) -> Result<ARef<DmaBuf>> {
        let mut block = PageBlock::alloc(1, AllocEffort::Required, false).ok_or(ENOMEM)?;

        block.write(0, b"text")?;
        DmaBuf::from_pages(c"gem", flags, Pages(block))
    }

    #[test]
    fn of_a_buffer() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-shmem", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let buf = buffer(O_RDWR)?;
        let own = Object::<Numbered>::new(&dev, PAGE_SIZE, ObjectConfig::default(), 1)?;
        let imported = Object::<Numbered>::new_imported(&dev, buf.clone(), 2)?;

        assert_eq!((own.0, imported.0), (1, 2));
        assert!(own.belongs_to(&dev) && imported.belongs_to(&dev));
        assert_eq!(imported.size(), 2 * PAGE_SIZE);
        assert!(own.imported_from().is_none());
        assert!(imported
            .imported_from()
            .is_some_and(|from| ptr::eq(from, &*buf)));
        assert!(!ptr::eq(own.resv(), imported.resv()));
        assert!(ptr::eq(imported.resv(), buf.resv()));

        let locked = AcquireCtx::new()?.until_all_locked(|exec| {
            exec.lock(&own)?;
            exec.lock(&buf)?;
            exec.lock(&imported)
        })?;
        drop(locked);
        Ok(())
    }

    /// What C's helpers make of it: the contents are those of the buffer, and there are no pages.
    #[test]
    fn contents() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-shmem-contents", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let buf = buffer(O_RDWR)?;
        let imported = Object::<Numbered>::new_imported(&dev, buf.clone(), 2)?;

        let map = imported.vmap::<{ PAGE_SIZE }>()?;
        assert_eq!(map.read32(0).to_ne_bytes(), *b"text");
        map.write32(u32::from_ne_bytes(*b"more"), 0);
        drop(map);

        let mut bytes = [0; 4];
        buf.vmap()?.read(0, &mut bytes)?;
        assert_eq!(&bytes, b"more");
        let parent: &faux::Device<kernel::device::Bound> = parent.as_ref();
        assert_eq!(imported.sg_table(parent.as_ref()).err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn outlives_its_device() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-shmem-outlives", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let own = Object::<Numbered>::new(&dev, PAGE_SIZE, ObjectConfig::default(), 3)?;
        let imported = Object::<Numbered>::new_imported(&dev, buffer(O_RDWR)?, 4)?;

        drop(dev);
        drop(parent);
        assert_eq!((own.0, imported.0), (3, 4));
        drop((own, imported));
        Ok(())
    }
}
