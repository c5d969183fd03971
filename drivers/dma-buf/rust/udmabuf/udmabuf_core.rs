// SPDX-License-Identifier: GPL-2.0

//! Buffers made of user space's own memory: `/dev/udmabuf`.
//!
//! User space names ranges of memory files; they become one buffer, without a copy. Both stay
//! views of the same memory. Implements what
//! [`include/uapi/linux/udmabuf.h`](srctree/include/uapi/linux/udmabuf.h) declares.

use kernel::{
    fs::File,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    prelude::*,
    uaccess::UserPtr,
};

mod ioctl;
mod limits;
mod memory;

module! {
    type: UdmabufModule,
    name: "udmabuf",
    authors: ["Rust DMA-BUF developers"],
    description: "DMA-BUF from memory files",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
}

/// The device. Its files have no state.
struct Udmabuf;

#[vtable]
impl MiscDevice for Udmabuf {
    type Ptr = ();

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result {
        Ok(())
    }

    #[inline]
    fn ioctl(_device: (), _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        ioctl::dispatch(cmd, UserPtr::from_addr(arg))
    }
}

#[pin_data]
struct UdmabufModule {
    #[pin]
    _device: MiscDeviceRegistration<Udmabuf>,
}

impl kernel::InPlaceModule for UdmabufModule {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _device <- MiscDeviceRegistration::register(MiscDeviceOptions { name: c"udmabuf" }),
        })
    }
}
