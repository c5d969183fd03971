// SPDX-License-Identifier: GPL-2.0

//! Buffers made of user space's own memory: `/dev/udmabuf`.
//!
//! User space names ranges of memory files; they become one buffer, without a copy. Both stay
//! views of the same memory. Implements what
//! [`include/uapi/linux/udmabuf.h`](srctree/include/uapi/linux/udmabuf.h) declares.

use kernel::{
    dma_buf::{
        memfd::PinnedPages,
        DmaBuf,
        MmapMode,
        PageRun,
        PageSource, //
    },
    fs::{
        file::flags,
        File, //
    },
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    prelude::*,
    sync::aref::ARef,
    uaccess::UserPtr,
};

mod ioctl;
mod limits;

module! {
    type: UdmabufModule,
    name: "udmabuf",
    authors: ["Rust DMA-BUF developers"],
    description: "DMA-BUF from memory files",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
}

/// The memory of one buffer.
struct Memory(PinnedPages);

#[vtable]
impl PageSource for Memory {
    // Who shares memory that way usually needs all of it or, having the file mapped, nothing.
    const MMAP: MmapMode = MmapMode::OnFirstFault;
    // Most folios are single pages; as many of them as possible make an entry of a device's table.
    const JOIN: bool = true;
    // The ABI was always this way.
    const END_NEEDS_BEGIN: bool = true;
    // The memory file stays mapped and open to its process.
    const WRITTEN_BEHIND: bool = true;

    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        self.0.runs()
    }

    fn runs_after(&self, skip: usize) -> impl Iterator<Item = PageRun<'_>> {
        self.0.runs_after(skip)
    }

    fn count(&self) -> Result<usize> {
        Ok(self.0.count())
    }
}

/// Makes a buffer of `pages`. Fails with `EINVAL` if their size does not fit in a `size_t`.
fn export(pages: PinnedPages) -> Result<ARef<DmaBuf>> {
    DmaBuf::from_pages(c"udmabuf", flags::O_RDWR, Memory(pages))
}

/// The device. Its files have no state.
struct Udmabuf;

#[vtable]
impl MiscDevice for Udmabuf {
    type Ptr = ();

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result {
        Ok(())
    }

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
