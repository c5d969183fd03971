// SPDX-License-Identifier: GPL-2.0

//! An importer: a device that reads the buffers of others.
//!
//! `RUST_DMA_BUF_IMPORTER_SUBMIT` on `/dev/rust-dma-buf-importer` takes a dma-buf. The CPU computes
//! a checksum of its contents at once. Then a job is queued, in which "the device" computes one,
//! too; until that is done the buffer has a fence, so that nobody overwrites what is being read.
//! `RUST_DMA_BUF_IMPORTER_RESULT` waits for the job and tells what the device has found.
//!
//! There is no such hardware, so a work item plays the device. See `samples/dma-buf/rust_samples.h`
//! for the interface, `samples/dma-buf/import_checksum.c` for a program that uses it, and
//! `Documentation/driver-api/dma-buf-rust-importer-sample.rst` for a tour.

use kernel::{
    dma::{
        DataDirection,
        DmaMask, //
    },
    dma_buf::{
        importer::{
            Attachment,
            EmulatedDevice,
            Mapping,
            MappingView, //
        },
        AfterSignal,
        DmaBuf,
        Fence,
        FenceContext,
        FenceContextOps,
        JobQueue,
        LeafFence,
        ResvGuard,
        Signalling,
        SignallingJob,
        SignallingWork,
        Usage, //
    },
    fs::File,
    ioctl::{
        _IOC_SIZE,
        _IOR,
        _IOWR, //
    },
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex,
        Publication,
        Published,
        SetOnce, //
    },
    uaccess::{
        UserSlice,
        UserSliceReader,
        UserSliceWriter, //
    },
};

module! {
    type: RustDmaBufImporter,
    name: "rust_dma_buf_importer",
    authors: ["Rust DMA-BUF developers"],
    description: "Rust sample: a device that reads the dma-bufs of others",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
}

/// `struct rust_dma_buf_importer_submit`: `fd`, and `cpu_sum`, which we fill in.
type Submit = [u32; 2];
/// `struct rust_dma_buf_importer_result`: `device_sum` and `entries`.
type JobResult = [u32; 2];

const SUBMIT: u32 = _IOWR::<Submit>('|' as u32, 0xb0);
const RESULT: u32 = _IOR::<JobResult>('|' as u32, 0xb1);

/// Of the device, its files, its queue and its timelines.
const NAME: &CStr = c"rust-dma-buf-importer";

/// How many bytes are copied out of a buffer at a time, to the stack.
const PART: usize = 512;

/// A checksum of 32 bits: FNV-1a.
struct Sum(u32);

impl Sum {
    fn new() -> Self {
        Self(0x811c_9dc5)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
}

/// How the CPU gets at the contents: the exporter maps them into the kernel's address space.
fn sum_by_cpu(buf: &DmaBuf) -> Result<u32> {
    // Without this the CPU could find what it has in its caches, and not what a device has written.
    // It waits for devices that are writing, too.
    let access = buf.begin_cpu_access(DataDirection::FromDevice)?;
    let contents = buf.vmap()?;
    let (mut sum, mut part) = (Sum::new(), [0; PART]);

    for offset in (0..buf.size()).step_by(PART) {
        let count = PART.min(buf.size() - offset);

        if kernel::current!().signal_pending() {
            return Err(ERESTARTSYS);
        }
        // Always a copy: user space can write to the memory while we look, so that there can be no
        // `&[u8]` of it.
        let part = part.get_mut(..count).ok_or(EINVAL)?;
        contents.read(offset, part)?;
        sum.add(part);
    }
    access.end()?;
    Ok(sum.0)
}

/// A buffer, as the device sees it: attached, and mapped for the device. Drop undoes both.
///
/// An open file would do to keep the device for as long as a system call takes. A job goes on after
/// that, and so has to keep by itself all that it needs.
type DeviceMemory = Mapping<Attached>;
type Attached = Attachment<Arc<EmulatedDevice>>;

/// How the device gets at the contents: by the addresses that it was given. They are no addresses
/// for the CPU, and no `struct page`s stand behind them, as far as an importer knows.
///
/// Hardware would be told `entry.dma_address()` and `entry.dma_len()` of every entry of the table.
/// The reader does what hardware does then.
fn sum_by_device(memory: MappingView<'_, Attached>) -> Result<JobResult> {
    let (mut sum, mut part) = (Sum::new(), [0; PART]);
    let mut reader = memory.reader();

    loop {
        let count = reader.read(&mut part)?;

        if count == 0 {
            return Ok([sum.0, memory.iter().count() as u32]);
        }
        sum.add(part.get(..count).ok_or(EINVAL)?);
    }
}

/// A timeline. There is nothing to do when somebody waits for one of its fences.
struct Reading;

impl FenceContextOps for Reading {
    type FenceDataType = ();
}

/// A job of the device.
struct Job {
    queue: Arc<JobQueue>,
    /// To take it down needs the buffer's lock: nobody gets at it before the fence is signalled.
    memory: AfterSignal<DeviceMemory>,
    outcome: Arc<SetOnce<Result<JobResult>>>,
}

impl SignallingWork for Job {
    type Ops = Reading;

    fn queue(&self) -> &JobQueue {
        &self.queue
    }

    // Somebody may wait for the fence, with the buffer's lock held, or in order to get memory. If
    // we wanted one of these before it is signalled, both would wait for ever. `Signalling` opens
    // nothing that does, and lockdep tells us of the rest.
    fn run(&self, _fence: &Fence, signalling: &Signalling) -> Result {
        let outcome = sum_by_device(self.memory.view(signalling));

        // Who waits for the fence finds this afterwards.
        self.outcome.populate(outcome);
        outcome.map(|_| ())
    }

    // What is left is dropped, in another queue, with nobody waiting: there the memory is unmapped
    // and the device detached.
}

/// What all jobs share: the device.
struct Importer {
    queue: Arc<JobQueue>,
    dev: Arc<EmulatedDevice>,
}

impl Drop for Importer {
    fn drop(&mut self) {
        // Jobs have references to both.
        self.queue.flush();
    }
}

impl Importer {
    fn new() -> Result<Self> {
        Ok(Self {
            queue: Arc::new(JobQueue::new(NAME)?, GFP_KERNEL)?,
            dev: Arc::new(EmulatedDevice::new(NAME, DmaMask::new::<64>())?, GFP_KERNEL)?,
        })
    }

    /// Has the device read `buf`.
    fn submit(&self, timeline: &FenceContext<Reading>, buf: ARef<DmaBuf>) -> Result<Submitted> {
        // First all that can fail, sleep or need memory, as long as nobody knows of the job. From
        // the moment others can see the fence it must be certain that it will be signalled.
        let memory = Attachment::new(buf.clone(), self.dev.clone())?
            .into_mapping(DataDirection::ToDevice)?;
        let allocation = timeline.new_fence_allocation(())?;
        let job = SignallingJob::new(Job {
            queue: self.queue.clone(),
            memory: AfterSignal::new(memory),
            outcome: Arc::new(SetOnce::new(), GFP_KERNEL)?,
        })?;

        let mut guard = lock_without_writers(&buf)?;
        let slot = guard.reserve_fences(1)?.take().ok_or(ENOSPC)?;

        // Now the fence is made and becomes visible, and nothing can fail any more. We only read:
        // other readers need not wait for us, but writers do.
        //
        // Not earlier: from here on the fences of later jobs on this timeline wait for ours, and so
        // would who waits for these.
        let fence = allocation.new_fence().detach();
        let submitted = Submitted {
            fence: fence.as_leaf().into(),
            outcome: job.outcome.clone(),
        };
        job.publish(fence, |fence| slot.add(fence, Usage::Read));
        job.start();
        Ok(submitted)
    }
}

/// Waits until nobody is writing to `buf`, and locks it.
///
/// Not the other way round: whoever is to signal a fence may need the lock for that, and all others
/// who want it would have to wait for a device. So after locking we have to look whether somebody
/// else was quicker.
fn lock_without_writers(buf: &DmaBuf) -> Result<ResvGuard<'_>> {
    let before_reading = Usage::before_access(false);

    loop {
        buf.resv().wait_interruptible(before_reading)?;
        let guard = buf.resv().lock_interruptible()?;

        if buf.resv().test_signaled(before_reading) {
            return Ok(guard);
        }
    }
}

/// A job that is under way, or done.
#[derive(Clone)]
struct Submitted {
    fence: ARef<LeafFence>,
    outcome: Arc<SetOnce<Result<JobResult>>>,
}

/// An open file of the device.
///
/// Closing it does not stop a job, and does not wait for it: the buffer keeps its fence until the
/// device has read it.
#[pin_data]
struct Client {
    importer: Arc<Importer>,
    /// A later fence stands for those before it. Jobs run side by side, and the last may end first:
    /// the timeline sees to the order. Other clients have theirs, and do not wait for us.
    #[pin]
    timeline: FenceContext<Reading>,
    #[pin]
    last: Mutex<Option<Submitted>>,
}

impl Client {
    fn submit(&self, mut reader: UserSliceReader, mut writer: UserSliceWriter) -> Result {
        let [fd, _] = reader.read::<Submit>()?;
        let buf = DmaBuf::from_fd(fd as i32)?;

        writer.write::<Submit>(&[fd, sum_by_cpu(&buf)?])?;
        let submitted = self.importer.submit(&self.timeline, buf)?;
        *self.last.lock() = Some(submitted);
        Ok(())
    }

    fn result(&self, mut writer: UserSliceWriter) -> Result {
        // A copy: others shall not have to wait for the lock until the job is done.
        let last = self.last.lock().clone().ok_or(EINVAL)?;

        last.fence.wait_interruptible()?;
        let outcome = last.outcome.copy().ok_or(ECANCELED)??;
        writer.write::<JobResult>(&outcome)
    }
}

#[vtable]
impl MiscDevice for Client {
    type Ptr = Pin<KBox<Self>>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Pin<KBox<Self>>> {
        let importer = IMPORTER.get().ok_or(ENODEV)?;

        KBox::pin_init(
            try_pin_init!(Self {
                importer,
                timeline <- FenceContext::new(1, c"rust_dma_buf_importer", NAME, Reading),
                last <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    fn ioctl(me: Pin<&Self>, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        let arg = UserSlice::new(UserPtr::from_addr(arg), _IOC_SIZE(cmd));

        match cmd {
            SUBMIT => {
                let (reader, writer) = arg.reader_writer();
                me.submit(reader, writer)?
            }
            RESULT => me.result(arg.writer())?,
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

/// Where `open` finds the device, as long as the module's [`Publication`] exists.
static IMPORTER: Published<Importer> = Published::new();

#[pin_data]
struct RustDmaBufImporter {
    // Fields are dropped in this order: first nobody can open the device any more. Then the
    // importer goes, which waits for jobs whose file is closed already.
    #[pin]
    _device: MiscDeviceRegistration<Client>,
    _importer: Publication<Importer>,
}

impl kernel::InPlaceModule for RustDmaBufImporter {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // And initialised in this one: user space may open the device as soon as it exists.
        try_pin_init!(Self {
            _importer: IMPORTER.publish(Arc::new(Importer::new()?, GFP_KERNEL)?)?,
            _device <- MiscDeviceRegistration::register(MiscDeviceOptions { name: NAME }),
        })
    }
}
