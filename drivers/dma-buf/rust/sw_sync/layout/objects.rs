// SPDX-License-Identifier: GPL-2.0

//! Timelines and their fences: what they consist of, and how long timelines live.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use super::{
    base::Base,
    counter::Counter,
    index::{
        Index,
        Indexed,
        Links, //
    }, //
};
use crate::{
    abi,
    deadline::Deadline,
    seqno::Seqno,
    LocalModule, //
};
use core::{
    mem::offset_of,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings::{
        self,
        ktime_t, //
    },
    dma_buf::Fence,
    interop::{
        export::{
            FromC,
            Wrapper, //
        },
        module_ref::OwnModuleRef,
        object::Object, //
    },
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::Acquire,
        new_mutex,
        new_spinlock_irq,
        Mutex,
        PinnedOnce,
        SpinLockIrq, //
    },
    types::ForeignOwnable, //
};

/// A counter that user space advances, and the fences that are signalled by that.
///
/// # Invariants
///
/// - The points in `pending` have this timeline.
/// - `order` is held while the value changes, after which what is reached is taken out of
///   `pending`. When it is not held, the points there are later than the value.
/// - The memory is from `kmalloc()`. It is freed, without running destructors, a grace period of
///   RCU after the last reference is gone. `pending` is empty then, for points own references.
#[pin_data]
pub(crate) struct Timeline {
    /// Reference count, context of the fences, name and value, as trace events know them.
    #[pin]
    pub(crate) counter: Counter,
    #[pin]
    pub(crate) order: Mutex<()>,
    #[pin]
    pub(crate) pending: SpinLockIrq<Index<Point>>,
    /// Among [`TIMELINES`].
    links: Links,
    rcu: Object<bindings::kvfree_rcu_head>,
}

/// All timelines, oldest first.
pub(crate) static TIMELINES: PinnedOnce<SpinLockIrq<Index<Timeline>>> = PinnedOnce::new();

// What `kvfree_call_rcu()` asks for.
const _: () = assert!(offset_of!(Timeline, rcu) < 4096);

// SAFETY: `TIMELINES` is the index of all timelines. `new` is where they get there, when they are
// where they stay, and `dec_ref` removes them. A context does not change.
unsafe impl Indexed for Timeline {
    const LINKS: usize = offset_of!(Timeline, links);
    type Key = u64;

    fn key(&self) -> u64 {
        self.context()
    }

    fn links(&self) -> &Links {
        &self.links
    }
}

// SAFETY: The timeline lives while the count is not zero.
unsafe impl AlwaysRefCounted for Timeline {
    #[inline]
    fn inc_ref(&self) {
        self.counter.refs().inc();
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller's reference keeps the timeline. After the last one nobody can find it
        // any more, the memory is from `kmalloc()`, and `rcu` is for this. By the type invariants
        // there is nothing to destruct.
        unsafe {
            let this = obj.as_ref();

            // MODEL: fence-last-put, sw-sync-name, sw-sync-registry
            if this.counter.refs().dec_and_test() {
                if let Some(timelines) = TIMELINES.get() {
                    timelines.lock().remove(this);
                }
                bindings::kvfree_call_rcu(this.rcu.get(), obj.as_ptr().cast());
            }
        }
    }
}

impl Timeline {
    /// Creates a timeline at value 0, named after the calling thread.
    ///
    /// Fails with `ENOMEM`, and with `ENODEV` before there is [`TIMELINES`]. May sleep.
    pub(crate) fn new() -> Result<ARef<Self>> {
        let timelines = TIMELINES.get().ok_or(ENODEV)?;
        let timeline = KBox::pin_init(
            pin_init!(Self {
                counter <- Counter::new(),
                order <- new_mutex!(()),
                pending <- new_spinlock_irq!(Index::new()),
                links: Links::new(),
                rcu: Object::uninit(),
            }),
            GFP_KERNEL,
        )?
        .into_foreign();

        // SAFETY: A box is not NULL. A new timeline has one reference, which is ours.
        let timeline: ARef<Self> =
            unsafe { ARef::from_raw(NonNull::new_unchecked(timeline.cast())) };

        // No other timeline has its context.
        timelines.lock().insert(&timeline, |_| None::<()>);
        Ok(timeline)
    }

    /// Takes a reference, unless the last one is gone.
    pub(crate) fn try_get(&self) -> Option<ARef<Self>> {
        // MODEL: sw-sync-registry
        abi::refcount_inc_not_zero(self.counter.refs())
            // SAFETY: There is a reference for us.
            .then(|| unsafe { ARef::from_raw(self.into()) })
    }

    /// The context of the timeline's fences, which no other timeline has.
    pub(crate) fn context(&self) -> u64 {
        self.counter.context()
    }

    /// The name of the thread that has made it.
    pub(crate) fn name(&self) -> &CStr {
        self.counter.name_as_c_str()
    }

    /// What the timeline has reached: the fences up to that number are signalled, or about to be.
    pub(crate) fn value(&self) -> Seqno {
        // Whoever finds a fence signalled because of it sees what was done before the advance.
        // MODEL: sw-sync-value, sw-sync-create
        Seqno(self.counter.value().load(Acquire) as u32)
    }
}

/// A point on a timeline, as a fence.
///
/// # Invariants
///
/// `fence` is initialised, as [`issue`](super::issue) does it. The memory is from `kmalloc()`. It
/// is freed a grace period of RCU after the release there, which takes out what the point owns.
#[pin_data]
#[repr(C)]
pub(crate) struct Point {
    // First, since the fence core frees the fence where it begins.
    #[pin]
    pub(super) fence: Base,
    pub(super) timeline: ARef<Timeline>,
    // The operations stay with a fence for all its life.
    pub(super) module: OwnModuleRef<LocalModule>,
    /// Among the points of the timeline that wait.
    pub(super) links: Links,
    pub(crate) deadline: Deadline,
}

// SAFETY: The fence is the first member.
unsafe impl Wrapper for Point {
    type C = bindings::dma_fence;
}

// SAFETY: A point has one timeline, whose `pending` is the index. In `issue`, `announce` is where
// it gets there, when it is where it stays, and `release` removes it. A sequence number does not
// change.
unsafe impl Indexed for Point {
    const LINKS: usize = offset_of!(Point, links);
    type Key = Seqno;

    fn key(&self) -> Seqno {
        self.seqno()
    }

    fn links(&self) -> &Links {
        &self.links
    }
}

impl Point {
    /// Takes a reference, unless the last one is gone.
    pub(crate) fn try_get(&self) -> Option<LivePoint> {
        // MODEL: sw-sync-dying, sw-sync-turns
        abi::refcount_inc_not_zero(self.fence.refs()).then(|| {
            // SAFETY: There is a reference for us.
            let fence = unsafe { ARef::from_raw(NonNull::from(self).cast()) };

            // INVARIANT: The fence is this point's.
            LivePoint(fence)
        })
    }

    pub(crate) fn seqno(&self) -> Seqno {
        // It had 32 bits when it was given.
        Seqno(self.fence.seqno() as u32)
    }

    /// How the fence was signalled: 1 if without error, or a negative error code. 0 if it was not.
    pub(crate) fn status(&self) -> c_int {
        self.fence.status()
    }

    /// When the fence was signalled.
    pub(crate) fn timestamp(&self) -> Option<ktime_t> {
        self.fence.timestamp()
    }
}

/// A point whose fence is alive, and which may therefore be signalled.
///
/// # Invariants
///
/// The fence is a [`Point`]'s.
pub(crate) struct LivePoint(pub(super) ARef<Fence>);

impl Deref for LivePoint {
    type Target = Point;

    #[inline]
    fn deref(&self) -> &Point {
        // SAFETY: By the type invariant, and the reference keeps it alive.
        unsafe { FromC::from_c(self.0.as_c()) }
    }
}

impl LivePoint {
    /// Signals the fence, if it is not yet signalled.
    ///
    /// Callbacks of anybody run in here, so the caller holds no lock that they might want.
    pub(crate) fn signal(&self) {
        abi::dma_fence_signal(&self.0);
    }

    /// Signals the fence with an error. It must not be signalled yet. Context as for
    /// [`Self::signal`].
    pub(crate) fn fail(&self, error: Error) {
        self.fence.set_error(error);
        self.signal();
    }

    pub(crate) fn into_fence(self) -> ARef<Fence> {
        self.0
    }
}
