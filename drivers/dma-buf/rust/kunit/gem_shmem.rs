// SPDX-License-Identifier: GPL-2.0

//! GEM objects of shmem, and of the memory of others.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_gem_shmem)]
mod tests {
    use super::*;
    use crate::{
        area::Area,
        card::card,
        exporter::{
            release_all,
            text, //
        },
    };
    use core::ptr;
    use kernel::{
        bindings,
        dma_buf::{
            AcquireCtx,
            DmaBuf,
            HasResv, //
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
                DriverObject,
                IntoGEMObject, //
            },
            Registered,
            UnregisteredDevice, //
        },
        error::to_result,
        faux,
        fs::{
            area::MmapVma,
            file::flags::O_RDWR,
            operations::{
                Operations,
                Table, //
            },
        },
        io::Io,
        page::PAGE_SIZE,
        sync::aref::ARef, //
    };

    card!(c"rust-dma-buf-shmem", Object<Numbered>);

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
            text(flags)
        }

        fn import(dev: &drm::Device<Card, Registered>, buf: &DmaBuf) -> Result<ARef<Object<Self>>> {
            Object::new_imported(dev, buf.into(), 7)
        }
    }

    #[test]
    fn of_a_buffer() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-shmem", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let buf = text(O_RDWR)?;
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
        let buf = text(O_RDWR)?;
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

    /// What is still mapped, and forgotten, is leaked with its buffer. So this module is never
    /// unloaded.
    #[test]
    fn forgotten() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-shmem-forgotten", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let imported = Object::<Numbered>::new_imported(&dev, text(O_RDWR)?, 5)?;

        core::mem::forget(imported.vmap::<{ PAGE_SIZE }>()?);
        drop(imported);
        release_all();
        Ok(())
    }

    /// A file of the driver's own, which shows an object.
    struct Shown;

    #[vtable]
    impl Operations for Shown {
        type Data = ARef<Object<Numbered>>;

        fn mmap(obj: &Object<Numbered>, vma: MmapVma<'_>, _offset: usize) -> Result {
            // SAFETY: The area is being set up, and belongs to a file that has the object.
            to_result(unsafe { bindings::drm_gem_mmap_obj(obj.as_raw(), obj.size(), vma.as_ptr()) })
        }
    }

    static FILES: Table<Shown> = Table::new();

    /// Also where DRM does not know the object by its buffer. The area keeps the buffer, and not
    /// the object.
    #[test]
    fn mapped_by_its_exporter() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-shmem-mmap", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let imported = Object::<Numbered>::new_imported(&dev, text(O_RDWR)?, 6)?;
        let file = FILES.anon_inode_file(c"[shmem]", imported, O_RDWR)?;

        assert_eq!(Area::new(&file, 3, 0).err(), Some(EINVAL));
        let area = Area::new(&file, 2, 0)?;
        assert_eq!(area.byte(1)?, b'e');
        drop(file);
        release_all();
        assert_eq!(area.byte(2)?, b'x');
        Ok(())
    }

    #[test]
    fn outlives_its_device() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-shmem-outlives", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let own = Object::<Numbered>::new(&dev, PAGE_SIZE, ObjectConfig::default(), 3)?;
        let imported = Object::<Numbered>::new_imported(&dev, text(O_RDWR)?, 4)?;

        drop(dev);
        drop(parent);
        assert_eq!((own.0, imported.0), (3, 4));
        drop((own, imported));
        Ok(())
    }
}
