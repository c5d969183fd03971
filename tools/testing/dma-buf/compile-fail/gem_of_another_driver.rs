// SPDX-License-Identifier: GPL-2.0
//~ NEEDS CONFIG_DRM

//! A driver's objects and files are its own: DRM calls what they name with the driver's devices.

use core::marker::PhantomData;
use kernel::{
    device,
    drm::{
        self,
        file::DriverFile,
        gem::{
            DriverObject,
            Object, //
        },
    },
    faux,
    prelude::*, //
};

struct Memory<D>(PhantomData<fn() -> D>);

impl<D: drm::Driver + 'static> DriverObject for Memory<D> {
    type Driver = D;
    type Args = ();

    fn new(_dev: &drm::Device<D>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        Ok(Self(PhantomData))
    }
}

struct File<D>(PhantomData<fn() -> D>);

impl<D: drm::Driver + 'static> DriverFile for File<D> {
    type Driver = D;

    fn open(_dev: &drm::Device<D>) -> Result<Pin<KBox<Self>>> {
        Err(ENODEV)
    }
}

macro_rules! driver {
    ($name:ident, $object:ty, $file:ty) => {
        struct $name;

        #[vtable]
        impl drm::Driver for $name {
            type Data = ();
            type RegistrationData<'a> = ();
            type Object = $object;
            type File = $file;
            type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

            const INFO: drm::DriverInfo = drm::DriverInfo {
                major: 1,
                minor: 0,
                patchlevel: 0,
                name: c"driver",
                desc: c"driver",
            };

            kernel::declare_drm_ioctls! {}
        }
    };
}

driver!(First, Object<Memory<First>>, File<First>);
#[cfg(misuse)]
driver!(Second, Object<Memory<First>>, File<Second>); //~ ERROR type mismatch resolving
#[cfg(misuse)]
driver!(Third, Object<Memory<Third>>, File<First>); //~ ERROR type mismatch resolving
