// SPDX-License-Identifier: GPL-2.0

//! Fences that the test program `fence_unload` signals, before it unloads who issued them; and for
//! `fail_each` a context that takes memory for its end.

use kernel::{
    dma_buf::{
        DriverFence,
        FenceCallback,
        FenceCallbackRegistration,
        FenceContext,
        FenceContextOps,
        SyncFile, //
    },
    fs::{
        file::{
            flags,
            FileDescriptorReservation, //
        },
        File, //
    },
    ioctl::_IO,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    new_mutex,
    prelude::*,
    sync::{
        global_lock,
        Mutex, //
    },
};

module! {
    type: FenceIssuer,
    name: "fence_issuer",
    authors: ["Rust DMA-BUF developers"],
    description: "Fences whose issuer goes",
    license: "GPL",
}

const NAME: &CStr = c"fence_issuer";

/// Returns a new fence, as the descriptor of a sync file.
const CREATE: u32 = _IO('f' as u32, 0);
/// Signals the newest fence. Fails with `ENOENT` if there is none.
const SIGNAL: u32 = _IO('f' as u32, 1);
/// The same, with the error `EIO`.
const FAIL: u32 = _IO('f' as u32, 2);
/// Has itself called when the fence of a sync file is signalled, while the module is there.
const WATCH: u32 = _IO('f' as u32, 3);
/// Makes another context, with something to drop, and drops it.
const CONTEXT: u32 = _IO('f' as u32, 4);

struct Jobs;

impl FenceContextOps for Jobs {
    type FenceDataType = ();
}

/// What is dropped with its context, elsewhere.
struct Dropped;

impl FenceContextOps for Dropped {
    type FenceDataType = ();
}

impl Drop for Dropped {
    fn drop(&mut self) {}
}

/// A callback that has nothing to do.
struct Seen;

impl FenceCallback for Seen {
    fn on_signal(&mut self) {}
}

type Registrations = KVec<Pin<KBox<FenceCallbackRegistration<Seen>>>>;

global_lock! {
    // SAFETY: Initialised as the module is, ahead of the device.
    unsafe(uninit) static KEPT: Mutex<Registrations> = KVec::new();
}

fn watch(fd: usize) -> Result {
    let fence = SyncFile::fence_from_fd(fd as i32)?;
    let registration = KBox::pin_init(FenceCallbackRegistration::new(&fence, Seen), GFP_KERNEL)?;

    KEPT.lock().push(registration, GFP_KERNEL)?;
    Ok(())
}

fn make_context() -> Result {
    let context: Pin<KBox<FenceContext<Dropped>>> =
        KBox::pin_init(FenceContext::new(1, NAME, NAME, Dropped), GFP_KERNEL)?;

    drop(context);
    Ok(())
}

/// An open file.
#[pin_data]
struct Queue {
    #[pin]
    context: FenceContext<Jobs>,
    #[pin]
    jobs: Mutex<KVec<DriverFence<'static, Jobs>>>,
}

impl Queue {
    fn create(&self) -> Result<isize> {
        let job = self.context.new_fence_allocation(())?.new_fence().detach();
        let file = SyncFile::new(job.as_fence())?;
        let fd = FileDescriptorReservation::get_unused_fd_flags(flags::O_CLOEXEC)?;
        let number = fd.reserved_fd();

        self.jobs.lock().push(job, GFP_KERNEL)?;
        fd.fd_install(file.into_file());
        Ok(number as isize)
    }

    fn newest(&self) -> Result<DriverFence<'static, Jobs>> {
        self.jobs.lock().pop().ok_or(ENOENT)
    }
}

#[vtable]
impl MiscDevice for Queue {
    type Ptr = Pin<KBox<Self>>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            try_pin_init!(Self {
                context <- FenceContext::new(1, NAME, NAME, Jobs),
                jobs <- new_mutex!(KVec::new()),
            }),
            GFP_KERNEL,
        )
    }

    fn ioctl(me: Pin<&Self>, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            CREATE => return me.create(),
            WATCH => watch(arg)?,
            SIGNAL => me.newest()?.signal(Ok(())),
            FAIL => me.newest()?.signal(Err(EIO)),
            CONTEXT => make_context()?,
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

/// Takes back what is kept.
struct Kept;

impl Drop for Kept {
    fn drop(&mut self) {
        drop(core::mem::take(&mut *KEPT.lock()));
    }
}

#[pin_data]
struct FenceIssuer {
    #[pin]
    _device: MiscDeviceRegistration<Queue>,
    _kept: Kept,
}

impl kernel::InPlaceModule for FenceIssuer {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: Called once, and nobody uses it yet.
        unsafe { KEPT.init() };
        try_pin_init!(Self {
            _kept: Kept,
            _device <- MiscDeviceRegistration::register(MiscDeviceOptions { name: NAME }),
        })
    }
}
