// SPDX-License-Identifier: GPL-2.0

//! The smallest exporter: memory with a text in it, shared with user space as a dma-buf.
//!
//! `RUST_DMA_BUF_MISC_GET_FD` on `/dev/rust-dma-buf-misc` gives out a dma-buf over the module's
//! memory. Who has it can map it, read the text and write another; reading the device gives the
//! text that is there now. See `samples/dma-buf/rust_samples.h` for the interface,
//! `samples/dma-buf/misc_text.c` for a program that uses it, and
//! `Documentation/driver-api/dma-buf-rust-misc-sample.rst` for a tour.

use kernel::{
    dma_buf::{
        AllocEffort,
        DmaBuf,
        FdReservation,
        PageBlock,
        PageRun,
        PageSource, //
    },
    fs::{
        file::flags::{
            O_ACCMODE,
            O_CLOEXEC, //
        },
        File,
        Kiocb, //
    },
    ioctl::{
        _IOC_SIZE,
        _IOWR, //
    },
    iov::IovIterDest,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow,
        Publication,
        Published, //
    },
    uaccess::UserSlice,
};

module! {
    type: RustDmaBufMisc,
    name: "rust_dma_buf_misc",
    authors: ["Rust DMA-BUF developers"],
    description: "Rust sample: text shared with user space as a dma-buf",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
    params: {
        size: usize {
            default: 0,
            description: "Size of the memory in bytes, rounded up to a power of two of pages",
        },
    },
}

const TEXT: &[u8] = b"Hello from a dma-buf!\n";

/// `struct rust_dma_buf_misc_get_fd`: `fd`, which we fill in, and `flags`.
type GetFd = [u32; 2];

const GET_FD: u32 = _IOWR::<GetFd>('|' as u32, 0xa0);

/// The memory. It is freed with the last reference: the module has one, each open file of the
/// device has one, and each buffer has one, until nobody can reach it by any mapping or file.
struct Memory(PageBlock);

impl Memory {
    /// Allocates at least `size` bytes, and puts the text there.
    fn new(size: usize) -> Result<Self> {
        let pages = size
            .div_ceil(PAGE_SIZE)
            .checked_next_power_of_two()
            .ok_or(EINVAL)?;
        let order = pages.trailing_zeros() as u8;
        // The rest is zeroed: user space shall not find what somebody else left there.
        let mut block = PageBlock::alloc(order, AllocEffort::Required, false).ok_or(ENOMEM)?;

        // Writing takes `&mut`, which nobody will have any more once the block is shared.
        block.write(0, TEXT)?;
        Ok(Self(block))
    }

    /// What is in the memory now: a copy, because user space may be writing.
    fn contents(&self) -> Result<KVVec<u8>> {
        let mut copy = KVVec::from_elem(0, self.0.size(), GFP_KERNEL)?;

        self.0.run().read(0, &mut copy)?;
        Ok(copy)
    }
}

/// What a buffer holds of the memory.
struct Lease(Arc<Memory>);

// To show its pages is all that an exporter has to do. The buffer holds a reference to this module
// (`#[vtable]` says which one it is), so that the module stays as long as there is a buffer.
#[vtable]
impl PageSource for Lease {
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        core::iter::once(self.0 .0.run())
    }
}

/// Exports the memory, and gives the calling process a descriptor of it.
fn get_fd(memory: ArcBorrow<'_, Memory>, arg: UserSlice) -> Result {
    let (mut reader, mut writer) = arg.reader_writer();
    let [_, flags] = reader.read::<GetFd>()?;

    if flags & !(O_ACCMODE | O_CLOEXEC) != 0 {
        return Err(EINVAL);
    }
    // A new buffer each time, and none is kept here. If the module had a reference to its own
    // buffer, that would have one to the module, which then could never be unloaded.
    let buf = DmaBuf::from_pages(c"rust_dma_buf_misc", flags, Lease(memory.into()))?;

    // The process can use the descriptor from the moment it is installed, even before it is told
    // the number. So this comes last, when nothing can fail any more. If it is not reached,
    // dropping `fd` gives the number and the buffer back.
    let fd = FdReservation::new(buf, flags)?;
    writer.write::<GetFd>(&[fd.number(), flags])?;
    fd.install();
    Ok(())
}

#[vtable]
impl MiscDevice for Memory {
    type Ptr = Arc<Self>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Arc<Self>> {
        MEMORY.get().ok_or(ENODEV)
    }

    fn read_iter(mut kiocb: Kiocb<'_, Arc<Self>>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let contents = kiocb.file().contents()?;
        let text = contents.split(|byte| *byte == 0).next().unwrap_or(&[]);
        let some = !iov.is_empty() && kiocb.ki_pos() < text.len() as i64;

        match iov.simple_read_from_buffer(kiocb.ki_pos_mut(), text)? {
            // A bad address looks like the end of the text otherwise.
            0 if some => Err(EFAULT),
            read => Ok(read),
        }
    }

    fn ioctl(me: ArcBorrow<'_, Self>, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            GET_FD => get_fd(me, UserSlice::new(UserPtr::from_addr(arg), _IOC_SIZE(cmd)))?,
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

/// Where `open` finds the memory. What is simply put into a `static` is never dropped; this is
/// taken out again when the module's [`Publication`] is.
static MEMORY: Published<Memory> = Published::new();

#[pin_data]
struct RustDmaBufMisc {
    // Fields are dropped in this order: the device goes before what it offers.
    #[pin]
    _device: MiscDeviceRegistration<Memory>,
    _memory: Publication<Memory>,
}

impl kernel::InPlaceModule for RustDmaBufMisc {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let size = module_parameters::size.value();
        let options = MiscDeviceOptions {
            name: c"rust-dma-buf-misc",
        };

        // And initialised in this one: user space may open the device as soon as it exists.
        try_pin_init!(Self {
            _memory: MEMORY.publish(Arc::new(Memory::new(size)?, GFP_KERNEL)?)?,
            _device <- MiscDeviceRegistration::register(options),
        })
    }
}
