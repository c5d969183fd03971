// SPDX-License-Identifier: GPL-2.0

//! A heap that comes and goes as the test program `heap_removal` tells it.
//!
//! Whoever opens `/dev/heap_removal` can add a heap of that name, remove it, and hold up those who
//! allocate from it. The heap goes at the latest when the file is closed.

use kernel::{
    dma_buf::{
        heap::{
            Heap,
            Registration,
            Request, //
        },
        AllocEffort,
        DmaBuf,
        PageBlock,
        PageRun,
        PageSource, //
    },
    fs::File,
    ioctl::_IO,
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    new_condvar, new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        CondVar,
        Mutex, //
    },
};

module! {
    type: HeapRemoval,
    name: "heap_removal",
    authors: ["Rust DMA-BUF developers"],
    description: "A heap that comes and goes",
    license: "GPL",
    imports_ns: ["DMA_BUF", "DMA_BUF_HEAP"],
}

const NAME: &CStr = c"heap_removal";

/// Fails with `EBUSY` if this file's heap is there, and as registering it does.
const ADD: u32 = _IO('h' as u32, 0);
/// Fails with `ENOENT` if this file's heap is not there, and `EOPNOTSUPP` if heaps stay for ever.
const REMOVE: u32 = _IO('h' as u32, 1);
/// Who allocates waits inside of the heap ...
const HOLD: u32 = _IO('h' as u32, 2);
/// ... until now.
const LET_GO: u32 = _IO('h' as u32, 3);
/// How many are inside of the heap.
const INSIDE: u32 = _IO('h' as u32, 4);
/// How many heaps of this file have not been dropped.
const ALIVE: u32 = _IO('h' as u32, 5);
/// Forgets this file's heap. Fails with `ENOENT` if there is none.
const FORGET: u32 = _IO('h' as u32, 6);

#[derive(Default)]
struct State {
    held: bool,
    inside: usize,
    alive: usize,
}

/// What a file and its heap share.
#[pin_data]
struct Shared {
    #[pin]
    state: Mutex<State>,
    #[pin]
    changed: CondVar,
}

impl Shared {
    fn hold(&self, held: bool) {
        self.state.lock().held = held;
        self.changed.notify_all();
    }

    /// Goes through the heap.
    fn pass(&self) {
        let mut state = self.state.lock();

        state.inside += 1;
        while state.held {
            self.changed.wait(&mut state);
        }
        state.inside -= 1;
    }
}

struct Page(PageBlock);

#[vtable]
impl PageSource for Page {
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        core::iter::once(self.0.run())
    }
}

/// A heap that gives single pages.
struct TestHeap(Arc<Shared>);

impl TestHeap {
    fn new(shared: Arc<Shared>) -> Self {
        shared.state.lock().alive += 1;
        Self(shared)
    }
}

#[vtable]
impl Heap for TestHeap {
    fn allocate(&self, request: &Request) -> Result<ARef<DmaBuf>> {
        if request.len != PAGE_SIZE {
            return Err(ENOMEM);
        }
        let page = PageBlock::alloc(0, AllocEffort::Required, false).ok_or(ENOMEM)?;
        self.0.pass();
        DmaBuf::from_pages(request.heap_name, request.fd_flags, Page(page))
    }
}

impl Drop for TestHeap {
    fn drop(&mut self) {
        self.0.state.lock().alive -= 1;
    }
}

/// An open file.
#[pin_data(PinnedDrop)]
struct Control {
    shared: Arc<Shared>,
    #[pin]
    heap: Mutex<Option<Registration<TestHeap>>>,
}

impl Control {
    fn add(&self) -> Result {
        let mut heap = self.heap.lock();

        if heap.is_some() {
            return Err(EBUSY);
        }
        *heap = Some(Registration::new(NAME, TestHeap::new(self.shared.clone()))?);
        Ok(())
    }

    fn remove(&self) -> Result {
        if cfg!(not(CONFIG_DMABUF_CORE_RUST)) {
            return Err(EOPNOTSUPP);
        }
        // The lock is released before the heap is: others may ask for things meanwhile.
        let heap = self.heap.lock().take();
        heap.map(drop).ok_or(ENOENT)
    }

    fn forget(&self) -> Result {
        let heap = self.heap.lock().take().ok_or(ENOENT)?;
        let heap = KBox::new(heap, GFP_KERNEL).map(KBox::into_raw)?;

        // SAFETY: The object was allocated just above.
        #[cfg(CONFIG_DEBUG_KMEMLEAK)]
        unsafe {
            kernel::bindings::kmemleak_not_leak(heap.cast())
        };
        let _meant = heap;
        Ok(())
    }
}

#[vtable]
impl MiscDevice for Control {
    type Ptr = Pin<KBox<Self>>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Pin<KBox<Self>>> {
        let shared = Arc::pin_init(
            pin_init!(Shared {
                state <- new_mutex!(State::default()),
                changed <- new_condvar!(),
            }),
            GFP_KERNEL,
        )?;

        KBox::pin_init(
            pin_init!(Self {
                shared,
                heap <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    fn ioctl(me: Pin<&Self>, _file: &File, cmd: u32, _arg: usize) -> Result<isize> {
        match cmd {
            ADD => me.add()?,
            REMOVE => me.remove()?,
            FORGET => me.forget()?,
            HOLD => me.shared.hold(true),
            LET_GO => me.shared.hold(false),
            INSIDE => return Ok(me.shared.state.lock().inside as isize),
            ALIVE => return Ok(me.shared.state.lock().alive as isize),
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

#[pinned_drop]
impl PinnedDrop for Control {
    fn drop(self: Pin<&mut Self>) {
        // The heap goes next, and waits for those who are inside.
        self.shared.hold(false);
    }
}

#[pin_data]
struct HeapRemoval {
    #[pin]
    _device: MiscDeviceRegistration<Control>,
}

impl kernel::InPlaceModule for HeapRemoval {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _device <- MiscDeviceRegistration::register(MiscDeviceOptions { name: NAME }),
        })
    }
}
