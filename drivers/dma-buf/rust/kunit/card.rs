// SPDX-License-Identifier: GPL-2.0

//! DRM devices to test objects with.

/// Defines a `Card`, which is called `$name` and whose objects are `$object`.
macro_rules! card {
    ($name:literal, $object:ty) => {
        struct Card;

        struct File;

        impl kernel::drm::file::DriverFile for File {
            type Driver = Card;

            fn open(_dev: &kernel::drm::Device<Card>) -> Result<Pin<KBox<Self>>> {
                Ok(KBox::new(Self, GFP_KERNEL)?.into())
            }
        }

        #[vtable]
        impl kernel::drm::Driver for Card {
            type Data = ();
            type RegistrationData<'a> = ();
            type File = File;
            type Object = $object;
            type ParentDevice<Ctx: kernel::device::DeviceContext> = kernel::faux::Device<Ctx>;

            const INFO: kernel::drm::DriverInfo = kernel::drm::DriverInfo {
                major: 0,
                minor: 0,
                patchlevel: 0,
                name: $name,
                desc: c"Rust DMA-BUF KUnit",
            };
            const IOCTLS: &'static [kernel::drm::ioctl::DrmIoctlDescriptor] = &[];
        }
    };
}
pub(crate) use card;
