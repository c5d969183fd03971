// SPDX-License-Identifier: GPL-2.0

//! Fences to test with.

use kernel::{
    bindings,
    dma_buf::{
        DriverFence,
        Fence,
        FenceContext,
        FenceContextOps, //
    },
    prelude::*,
    static_lock_class,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
    types::Opaque,
};

pub(crate) const DRIVER_NAME: &CStr = c"mock-driver";
pub(crate) const TIMELINE_NAME: &CStr = c"mock-timeline";

/// What has happened to a fence of a [`Mock`].
pub(crate) struct Log {
    /// How often somebody has asked for signalling.
    pub(crate) enabled: Atomic<u32>,
    /// How many deadlines were set.
    pub(crate) deadlines: Atomic<u32>,
    /// Whether the data of the fence was dropped, as a count.
    pub(crate) dropped: Atomic<u32>,
    /// The task that has dropped the last one.
    dropper: Atomic<i32>,
    start: Instant<Monotonic>,
    earliest: Atomic<i64>,
}

impl Log {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                enabled: Atomic::new(0),
                deadlines: Atomic::new(0),
                dropped: Atomic::new(0),
                dropper: Atomic::new(0),
                start: Instant::now(),
                earliest: Atomic::new(i64::MAX),
            },
            GFP_KERNEL,
        )?)
    }

    /// The instant `ms` after the beginning of this log.
    pub(crate) fn after(&self, ms: i64) -> Instant<Monotonic> {
        self.start + Delta::from_millis(ms)
    }

    /// Notes that data is dropped, and by which task.
    pub(crate) fn note_drop(&self) {
        self.dropper.store(kernel::current!().pid(), Relaxed);
        self.dropped.add(1, Relaxed);
    }

    /// Whether the last that was dropped was not dropped by this task.
    pub(crate) fn was_dropped_elsewhere(&self) -> bool {
        self.dropper.load(Relaxed) != kernel::current!().pid()
    }

    /// Waits, not for ever, until the data of so many fences was dropped.
    pub(crate) fn wait_dropped(&self, count: u32) {
        for _ in 0..1000 {
            if self.dropped.load(Relaxed) >= count {
                break;
            }
            fsleep(Delta::from_millis(1));
        }
    }

    /// The earliest deadline, in milliseconds after the beginning of this log.
    pub(crate) fn earliest(&self) -> Option<i64> {
        match self.earliest.load(Relaxed) {
            i64::MAX => None,
            ns => Some(Delta::from_nanos(ns).as_millis()),
        }
    }
}

/// The data of a fence that writes a log.
pub(crate) struct Mock {
    log: Arc<Log>,
    done: bool,
}

impl Mock {
    fn enable_signaling(&self) -> bool {
        self.log.enabled.add(1, Relaxed);
        !self.done
    }

    fn set_deadline(&self, deadline: Instant<Monotonic>) {
        let deadline = (deadline - self.log.start).as_nanos();
        let earliest = self.log.earliest.load(Relaxed);

        // The fence's lock is held, so that there is nobody else.
        self.log.earliest.store(earliest.min(deadline), Relaxed);
        self.log.deadlines.add(1, Relaxed);
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.log.note_drop();
    }
}

/// The context of fences that write logs.
pub(crate) struct Logging;

impl FenceContextOps for Logging {
    type FenceDataType = Mock;

    const ENABLE_SIGNALING: Option<fn(&Self, &Mock) -> bool> =
        Some(|_, fence| fence.enable_signaling());
    const SET_DEADLINE: Option<fn(&Self, &Mock, Instant<Monotonic>)> =
        Some(|_, fence, deadline| fence.set_deadline(deadline));
}

/// The context of fences that do nothing.
pub(crate) struct Plain;

impl FenceContextOps for Plain {
    type FenceDataType = ();
}

pub(crate) type PlainFence = DriverFence<'static, Plain>;
pub(crate) type LoggedFence = DriverFence<'static, Logging>;
pub(crate) type Context<T = Plain> = Pin<KBox<FenceContext<T>>>;

/// A context for fences of a kind.
pub(crate) fn context_of<T: FenceContextOps>(data: T) -> Result<Context<T>> {
    KBox::pin_init(
        FenceContext::new(1, DRIVER_NAME, TIMELINE_NAME, data),
        GFP_KERNEL,
    )
}

/// A context for fences.
pub(crate) fn context() -> Result<Context> {
    context_of(Plain)
}

/// The next fence of `context`.
pub(crate) fn fence_of(context: &Context) -> Result<PlainFence> {
    Ok(context.new_fence_allocation(())?.new_fence().detach())
}

/// A fence of a context of its own.
pub(crate) fn fence() -> Result<PlainFence> {
    fence_of(&context()?)
}

/// `count` fences, each of a context of its own.
pub(crate) fn fences(count: usize) -> Result<KVec<PlainFence>> {
    let mut fences = KVec::with_capacity(count, GFP_KERNEL)?;

    for _ in 0..count {
        fences.push(fence()?, GFP_KERNEL)?;
    }
    Ok(fences)
}

/// A reference to the fence of `owner`.
pub(crate) fn share<T: FenceContextOps>(owner: &DriverFence<'_, T>) -> ARef<Fence> {
    owner.as_fence().into()
}

/// References to the fences of `owners`, in a vector.
pub(crate) fn shares(owners: &[PlainFence]) -> Result<KVec<ARef<Fence>>> {
    let mut fences = KVec::with_capacity(owners.len(), GFP_KERNEL)?;

    for owner in owners {
        fences.push(share(owner), GFP_KERNEL)?;
    }
    Ok(fences)
}

/// A fence with a log. If `done` is set its work is done when somebody asks.
pub(crate) fn logged(log: &Arc<Log>, done: bool) -> Result<LoggedFence> {
    logged_of(&context_of(Logging)?, log, done)
}

/// The next fence of `context`, with a log.
pub(crate) fn logged_of(
    context: &Context<Logging>,
    log: &Arc<Log>,
    done: bool,
) -> Result<LoggedFence> {
    let log = log.clone();
    let memory = context.new_fence_allocation(Mock { log, done })?;

    Ok(memory.new_fence().detach())
}

/// # Safety
///
/// Called by the core.
unsafe extern "C" fn name(_fence: *mut bindings::dma_fence) -> *const c_char {
    DRIVER_NAME.as_char_ptr()
}

const RAW_OPS_OF_ALL: bindings::dma_fence_ops = bindings::dma_fence_ops {
    get_driver_name: Some(name),
    get_timeline_name: Some(name),
    enable_signaling: None,
    signaled: None,
    wait: None,
    release: None,
    set_deadline: None,
};

static RAW_OPS: bindings::dma_fence_ops = RAW_OPS_OF_ALL;

fn raw(
    ops: &'static bindings::dma_fence_ops,
    context: u64,
    seqno: u64,
    wide: bool,
) -> Result<ARef<Fence>> {
    let memory = KBox::new(Opaque::<bindings::dma_fence>::uninit(), GFP_KERNEL)?;
    let fence = KBox::into_raw(memory).cast::<bindings::dma_fence>();
    let lock = core::ptr::null_mut();

    // SAFETY: The memory is ours, from `kmalloc()`, and becomes a fence with one reference, which
    // is ours. The test ends before the module with the operations may go.
    unsafe {
        if wide {
            bindings::dma_fence_init64(fence, ops, lock, context, seqno);
        } else {
            bindings::dma_fence_init(fence, ops, lock, context, seqno);
        }
        Fence::from_owned(fence)
    }
    .ok_or(ENOMEM)
}

/// A fence of a C driver, and its lock, which is not its own.
pub(crate) struct LentLock {
    fence: ARef<Fence>,
    _lock: KBox<Opaque<bindings::spinlock_t>>,
}

impl LentLock {
    pub(crate) fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Signals the fence. Then its lock is no more.
    pub(crate) fn end(self) -> ARef<Fence> {
        // SAFETY: The lock is there until here. Who takes it afterwards is caught.
        unsafe {
            let fence = self.fence.as_raw();

            bindings::dma_fence_signal(fence);
            (*fence).__bindgen_anon_1.extern_lock = core::ptr::null_mut();
        }
        self.fence
    }
}

/// A fence that is signalled, and whose lock is no more.
pub(crate) fn without_lock() -> Result<ARef<Fence>> {
    Ok(lent_lock()?.end())
}

/// A fence that is pending.
pub(crate) fn lent_lock() -> Result<LentLock> {
    let lock = KBox::new(Opaque::<bindings::spinlock_t>::uninit(), GFP_KERNEL)?;
    let memory = KBox::new(Opaque::<bindings::dma_fence>::uninit(), GFP_KERNEL)?;
    let fence = KBox::into_raw(memory).cast::<bindings::dma_fence>();

    // SAFETY: As in `raw`. The lock is there until the fence is signalled.
    unsafe {
        let name = c"without_lock".as_char_ptr();
        let key = static_lock_class!().as_ptr();

        bindings::__spin_lock_init(lock.get(), name, key);
        bindings::dma_fence_init(fence, &RAW_OPS, lock.get(), context()?.id(), 1);
        Fence::from_owned(fence)
    }
    .map(|fence| LentLock { fence, _lock: lock })
    .ok_or(ENOMEM)
}

/// How often fences of [`done_when_asked`] were asked.
pub(crate) static ASKED: Atomic<u32> = Atomic::new(0);

/// # Safety
///
/// Called by the core.
unsafe extern "C" fn asked(_fence: *mut bindings::dma_fence) -> bool {
    ASKED.add(1, Relaxed);
    true
}

static ASKED_OPS: bindings::dma_fence_ops = bindings::dma_fence_ops {
    signaled: Some(asked),
    ..RAW_OPS_OF_ALL
};

/// A fence of a C driver that signals it when somebody asks whether its work is done.
pub(crate) fn done_when_asked() -> Result<ARef<Fence>> {
    raw(&ASKED_OPS, context()?.id(), 1, true)
}

/// A fence with any number, as C drivers may have it; with 32 or 64 bits of it that count. It is
/// never signalled.
pub(crate) fn numbered(context: &Context, seqno: u64, wide: bool) -> Result<ARef<Fence>> {
    raw(&RAW_OPS, context.id(), seqno, wide)
}
