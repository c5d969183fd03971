// SPDX-License-Identifier: GPL-2.0

//! The fences of a timeline.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use crate::{
    layout::{
        base::{
            self,
            Base,
            Flag, //
        },
        index::{
            Indexed,
            Links, //
        }, //
    },
    seqno::Seqno,
    timeline::Timeline, //
};
use core::{
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    dma_buf::Fence,
    interop::export::{
        FromC,
        Wrapper, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        }, //
    },
};

/// A point on a timeline, as a fence.
///
/// # Invariants
///
/// `fence` is initialised, with [`OPS`]. The memory is from `kmalloc()`. It is freed a grace period
/// of RCU after [`release`], which calls [`Timeline::forget`].
#[pin_data]
#[repr(C)]
pub(crate) struct Point {
    // First, since the fence core frees the fence where it begins.
    #[pin]
    fence: Base,
    timeline: ARef<Timeline>,
    _module: module::Pin,
    /// Among the points of the timeline that wait.
    #[pin]
    links: Links,
    /// The earliest time that somebody wishes the fence to be signalled by; `KTIME_MAX` at first.
    deadline: Atomic<bindings::ktime_t>,
}

/// The flag of a fence whose deadline was set.
const HAS_DEADLINE: Flag = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_USER_BITS;

// SAFETY: The fence is the first member.
unsafe impl Wrapper for Point {
    type C = bindings::dma_fence;
}

// SAFETY: A point is only in the index of its timeline. A sequence number does not change.
unsafe impl Indexed for Point {
    const LINKS: usize = offset_of!(Point, links);
    type Key = Seqno;

    fn key(&self) -> Seqno {
        self.seqno()
    }
}

/// A point whose fence is alive, and which may therefore be signalled.
///
/// # Invariants
///
/// The fence is a [`Point`]'s.
pub(crate) struct LivePoint(ARef<Fence>);

impl Point {
    /// The point that `fence` is, if it is one.
    pub(crate) fn of(fence: &Fence) -> Option<&Self> {
        // SAFETY: Only points have these operations. The reference to the fence keeps it alive.
        base::has_ops(fence, &raw const OPS.0).then(|| unsafe { FromC::from_c(fence.as_c()) })
    }

    /// Takes a reference, unless the last one is gone.
    pub(crate) fn try_get(&self) -> Option<LivePoint> {
        // SAFETY: There is a reference for us.
        // INVARIANT: The fence is this point's.
        self.fence
            .get_unless_zero()
            .then(|| LivePoint(unsafe { ARef::from_raw(NonNull::from(self).cast()) }))
    }

    pub(crate) fn seqno(&self) -> Seqno {
        // It had 32 bits when it was given.
        Seqno(self.fence.seqno() as u32)
    }

    /// How the fence was signalled: 1 if without error, or a negative error code. 0 if it was not.
    pub(crate) fn status(&self) -> c_int {
        if !self
            .fence
            .has(bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SIGNALED_BIT)
        {
            return 0;
        }
        // MODEL: fence-error
        match self.fence.error().load(Relaxed) {
            0 => 1,
            error => error,
        }
    }

    /// When the fence was signalled.
    pub(crate) fn timestamp(&self) -> Option<bindings::ktime_t> {
        self.fence.timestamp()
    }

    /// The earliest deadline that was set.
    pub(crate) fn deadline(&self) -> Option<bindings::ktime_t> {
        // MODEL: sw-sync-deadline
        self.fence
            .has(HAS_DEADLINE)
            .then(|| self.deadline.load(Relaxed))
    }

    fn set_deadline(&self, deadline: bindings::ktime_t) {
        // MODEL: sw-sync-deadline
        let mut earliest = self.deadline.load(Relaxed);

        // MODEL: sw-sync-deadline
        while deadline < earliest {
            match self.deadline.cmpxchg(earliest, deadline, Relaxed) {
                Ok(_) => break,
                Err(other) => earliest = other,
            }
        }
        if !self.fence.has(HAS_DEADLINE) {
            // Who finds the flag finds a deadline.
            self.fence.set(HAS_DEADLINE);
        }
    }
}

impl core::ops::Deref for LivePoint {
    type Target = Point;

    fn deref(&self) -> &Point {
        // SAFETY: By the type invariant, and the reference keeps it alive.
        unsafe { FromC::from_c(self.0.as_c()) }
    }
}

/// A point that nobody else knows. Dropped, it has never been: it is freed at once, and not traced.
pub(crate) struct NewPoint(Pin<KBox<Point>>);

impl NewPoint {
    /// Creates a fence. As long as the timeline does not know it, it is signalled when somebody
    /// asks it after `timeline` has reached `seqno`, not at once.
    ///
    /// Fails with `ENOMEM`, and `ENODEV` if the module is going away. May sleep.
    pub(crate) fn new(timeline: &Timeline, seqno: Seqno) -> Result<Self> {
        let module = module::Pin::new()?;

        Ok(Self(KBox::pin_init(
            pin_init!(Point {
                timeline: timeline.into(),
                _module: module,
                links <- Links::new(),
                deadline: Atomic::new(bindings::ktime_t::MAX),
                // The last one, since a trace event in it makes use of the operations.
                //
                // SAFETY: They are for points, and this one's other members are complete.
                fence <- unsafe { Base::new(&OPS.0, timeline.context(), seqno.0.into()) },
            }),
            GFP_KERNEL,
        )?))
    }

    /// Lets others know of it. [`release`] lets go of what it owns.
    pub(crate) fn publish(self) -> LivePoint {
        // SAFETY: The point is not moved: it becomes a reference to where it is.
        let point = NonNull::from(KBox::leak(unsafe { Pin::into_inner_unchecked(self.0) }));

        // SAFETY: A new fence has one reference, which is ours. It is the first member.
        // INVARIANT: The fence is this point's.
        LivePoint(unsafe { ARef::from_raw(point.cast()) })
    }
}

impl core::ops::Deref for NewPoint {
    type Target = Point;

    fn deref(&self) -> &Point {
        &self.0
    }
}

impl LivePoint {
    /// Signals the fence, if it is not yet signalled.
    ///
    /// Callbacks of anybody run in here, so the caller holds no lock that they might want.
    pub(crate) fn signal(&self) {
        // SAFETY: The fence is alive.
        unsafe { bindings::dma_fence_signal(self.0.as_raw()) };
    }

    /// Signals the fence with an error. It must not be signalled yet. Context as for
    /// [`Self::signal`].
    pub(crate) fn fail(&self, error: Error) {
        // MODEL: fence-error
        self.fence.error().store(error.to_errno(), Relaxed);
        self.signal();
    }

    pub(crate) fn into_fence(self) -> ARef<Fence> {
        self.0
    }
}

/// The table, which also tells these fences from all others.
struct Ops(bindings::dma_fence_ops);

// SAFETY: The table is constant.
unsafe impl Sync for Ops {}

static OPS: Ops = Ops(bindings::dma_fence_ops {
    get_driver_name: Some(driver_name),
    get_timeline_name: Some(timeline_name),
    signaled: Some(signaled),
    release: Some(release),
    set_deadline: Some(set_deadline),
    ..pin_init::zeroed()
});

/// A point without a reference, in an RCU read-side critical section.
///
/// # Invariants
///
/// As that says, and nobody else lets go of what it owns.
struct Dying(NonNull<Point>);

/// A fence of ours to which there is no reference any more, once, inside an RCU read-side critical
/// section.
impl FromC for Dying {
    type C = *mut bindings::dma_fence;

    unsafe fn from_c(value: Self::C) -> Self {
        // INVARIANT: The contract above.
        // SAFETY: As above.
        Self(unsafe { NonNull::new_unchecked(value.cast()) })
    }
}

kernel::callbacks! {
    fn driver_name(_fence: &Point) -> *const c_char {
        c"sw_sync".as_char_ptr()
    }

    /// The caller uses the name in the same RCU read-side critical section. A timeline outlives its
    /// fences by a grace period.
    fn timeline_name(point: &Point) -> *const c_char {
        point.timeline.name()
    }

    fn signaled(point: &Point) -> bool {
        point.seqno() <= point.timeline.value()
    }

    fn set_deadline(point: &Point, deadline: bindings::ktime_t) {
        point.set_deadline(deadline);
    }

    /// The fence is gone afterwards.
    fn release(dying: Dying) {
        // SAFETY: By the type invariant.
        let timeline = unsafe {
            let point = dying.0.as_ref();
            point.timeline.forget(point);
            core::ptr::read(&point.timeline)
        };

        // Nobody asks a fence without a reference for its timeline. Of the rest of it only the
        // module needs something, below.
        drop(timeline);

        // SAFETY: The fence is where the allocation begins, and nothing points to it any more but
        // what RCU readers may have found before. Every point pins the module: what is left of this
        // function is covered by the RCU read-side critical section, which unloading waits for.
        unsafe {
            bindings::dma_fence_free(dying.0.cast().as_ptr());
            module::unpin();
        }
    }
}

/// Keeping the code loaded that the operations consist of.
///
/// They stay with a fence for all its life, since they include [`release`].
mod module {
    use super::*;

    /// A reference to this module.
    pub(super) struct Pin(());

    impl Pin {
        /// Fails with `ENODEV` if the module is going away.
        pub(super) fn new() -> Result<Self> {
            #[cfg(all(MODULE, CONFIG_MODULE_UNLOAD))]
            // SAFETY: This module is there while it runs.
            // MODEL: none, because it fails if that is too late.
            if !unsafe { bindings::try_module_get(&raw mut bindings::__this_module) } {
                return Err(ENODEV);
            }
            Ok(Self(()))
        }
    }

    impl Drop for Pin {
        fn drop(&mut self) {
            // SAFETY: This is the reference, and its user is in this module, but not in a point.
            unsafe { unpin() };
        }
    }

    /// Drops a reference to this module.
    ///
    /// # Safety
    ///
    /// The caller owns a reference and gives it up. Something else keeps the module loaded until it
    /// has left it.
    pub(super) unsafe fn unpin() {
        #[cfg(all(MODULE, CONFIG_MODULE_UNLOAD))]
        // MODEL: module-text
        // SAFETY: By the caller's guarantee.
        unsafe {
            bindings::module_put(&raw mut bindings::__this_module)
        };
    }
}
