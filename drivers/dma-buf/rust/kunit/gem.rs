// SPDX-License-Identifier: GPL-2.0

//! GEM objects of the memory of others.

use kernel::prelude::*;

#[kunit_tests(rust_dma_buf_gem)]
mod tests {
    use super::*;
    use crate::{
        card::card,
        exporter::text, //
    };
    use core::ptr;
    use kernel::{
        dma_buf::AcquireCtx,
        drm::{
            self,
            gem::{
                BaseObject,
                DriverObject,
                IntoGEMObject,
                Object, //
            },
            UnregisteredDevice, //
        },
        faux,
        fs::file::flags::O_RDWR,
        page::PAGE_SIZE, //
    };

    card!(c"rust-dma-buf-gem", Object<Numbered>);

    /// An object that is told a number.
    struct Numbered(u32);

    impl DriverObject for Numbered {
        type Driver = Card;
        type Args = u32;

        fn new(_dev: &drm::Device<Card>, _size: usize, number: u32) -> impl PinInit<Self, Error> {
            Ok(Self(number))
        }
    }

    #[test]
    fn reservation_object() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-gem", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let buf = text(O_RDWR)?;
        let own = Object::<Numbered>::new(&dev, PAGE_SIZE, 1)?;
        let imported = Object::<Numbered>::new_imported(&dev, buf.clone(), 2)?;

        assert_eq!((own.0, imported.0), (1, 2));
        assert!(own.belongs_to(&dev) && imported.belongs_to(&dev));
        assert_eq!(imported.size(), 2 * PAGE_SIZE);
        assert!(own.imported_from().is_none());
        assert!(!ptr::eq(own.resv(), imported.resv()));
        assert!(ptr::eq(imported.resv(), buf.resv()));

        // As the buffer and the object have the same one, these are two.
        let mut locked = AcquireCtx::new()?.until_all_locked(|exec| {
            exec.lock(&own)?;
            exec.lock(&buf)?;
            exec.lock(&imported)
        })?;
        assert_eq!(locked.guards().count(), 2);
        drop(locked);

        // The object keeps the buffer.
        let file = ptr::from_ref(buf.file());
        drop(buf);
        assert!(imported
            .imported_from()
            .is_some_and(|buf| ptr::eq(buf.file(), file)));
        Ok(())
    }

    #[test]
    fn known_to_helpers() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-gem-helpers", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let buf = text(O_RDWR)?;
        let own = Object::<Numbered>::new(&dev, PAGE_SIZE, 1)?;
        let imported = Object::<Numbered>::new_imported(&dev, buf.clone(), 2)?;

        // SAFETY: The objects are there, and so is what says where they are from.
        unsafe {
            assert!((*own.as_raw()).import_attach.is_null());
            assert_eq!((*(*imported.as_raw()).import_attach).dmabuf, buf.as_raw());
        }
        Ok(())
    }

    #[test]
    fn outlives_its_device() -> Result {
        let parent = faux::Registration::new(c"rust-kunit-gem-outlives", None)?;
        let dev = UnregisteredDevice::<Card>::new(parent.as_ref(), Ok::<_, Error>(()))?;
        let obj = Object::<Numbered>::new(&dev, PAGE_SIZE, 3)?;

        obj.create_mmap_offset()?;
        drop(dev);
        drop(parent);
        // Its place in the device's file is given back to the device.
        assert_eq!(obj.0, 3);
        drop(obj);
        Ok(())
    }
}
