// SPDX-License-Identifier: GPL-2.0

//! The fences of a timeline.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use crate::{
    index::{
        Indexed,
        Links, //
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
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic,
            Relaxed, //
        }, //
    },
    types::Opaque,
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
    fence: Opaque<bindings::dma_fence>,
    timeline: ARef<Timeline>,
    _module: module::Pin,
    /// Among the points of the timeline that wait.
    #[pin]
    links: Links,
    /// The earliest time that somebody wishes the fence to be signalled by; `KTIME_MAX` at first.
    deadline: Atomic<bindings::ktime_t>,
}

/// The flag of a fence whose deadline was set.
const HAS_DEADLINE: bindings::dma_fence_flag_bits =
    bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_USER_BITS;

// SAFETY: A fence is not tied to a thread; the rest is `Send`.
unsafe impl Send for Point {}

// SAFETY: What changes in a fence after its initialisation is accessed with atomics, or by the
// fence core, which does its own locking; the rest is `Sync`.
unsafe impl Sync for Point {}

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
        // SAFETY: The fence is alive. The fence core may take the operations off fences that others
        // have issued, at any time, and does so with a single write.
        let ops = unsafe { Atomic::from_ptr(&raw mut (*fence.as_raw()).ops) };

        // SAFETY: Only points have these operations. The reference to the fence keeps it alive.
        (ops.load(Relaxed) == &raw const OPS.0).then(|| unsafe { point(fence.as_raw()) })
    }

    /// Takes a reference, unless the last one is gone.
    pub(crate) fn try_get(&self) -> Option<LivePoint> {
        let fence = self.fence.get();

        // SAFETY: The fence is valid, also while it is dying. On success there is a reference for
        // us.
        // INVARIANT: The fence is this point's.
        unsafe {
            bindings::refcount_inc_not_zero(&raw mut (*fence).refcount.refcount)
                .then(|| LivePoint(ARef::from_raw(NonNull::new_unchecked(fence).cast())))
        }
    }

    pub(crate) fn seqno(&self) -> Seqno {
        // SAFETY: The number is constant. It had 32 bits when it was given.
        Seqno(unsafe { (*self.fence.get()).seqno } as u32)
    }

    fn flag(&self, bit: bindings::dma_fence_flag_bits) -> bool {
        // SAFETY: The fence core uses atomic operations on the flags, too.
        let flags = unsafe { Atomic::from_ptr(&raw mut (*self.fence.get()).flags) };

        flags.load(Acquire) & (1 << bit) != 0
    }

    /// How the fence was signalled: 1 if without error, or a negative error code. 0 if it was not.
    pub(crate) fn status(&self) -> c_int {
        if !self.flag(bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SIGNALED_BIT) {
            return 0;
        }
        match self.error().load(Relaxed) {
            0 => 1,
            error => error,
        }
    }

    fn error(&self) -> &Atomic<c_int> {
        // SAFETY: Only the issuer sets an error, with this; others look at it once the fence is
        // signalled, when it does not change any more.
        unsafe { Atomic::from_ptr(&raw mut (*self.fence.get()).error) }
    }

    /// When the fence was signalled.
    pub(crate) fn timestamp(&self) -> Option<bindings::ktime_t> {
        self.flag(bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_TIMESTAMP_BIT)
            // SAFETY: With this flag it is the timestamp that is in the union, until the fence is
            // freed, and it does not change.
            .then(|| unsafe { (*self.fence.get()).__bindgen_anon_2.timestamp })
    }

    /// The earliest deadline that was set.
    pub(crate) fn deadline(&self) -> Option<bindings::ktime_t> {
        self.flag(HAS_DEADLINE).then(|| self.deadline.load(Relaxed))
    }

    fn set_deadline(&self, deadline: bindings::ktime_t) {
        let mut earliest = self.deadline.load(Relaxed);

        while deadline < earliest {
            match self.deadline.cmpxchg(earliest, deadline, Relaxed) {
                Ok(_) => break,
                Err(other) => earliest = other,
            }
        }
        if !self.flag(HAS_DEADLINE) {
            // This orders, too: who finds the flag finds a deadline.
            //
            // SAFETY: The flags live as long as the fence.
            unsafe {
                bindings::test_and_set_bit(
                    HAS_DEADLINE as usize,
                    &raw mut (*self.fence.get()).flags,
                )
            };
        }
    }
}

impl core::ops::Deref for LivePoint {
    type Target = Point;

    fn deref(&self) -> &Point {
        // SAFETY: By the type invariant, and the reference keeps it alive.
        unsafe { point(self.0.as_raw()) }
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
                // SAFETY: `slot` is memory for a fence, in a point whose other members are
                // complete. The operations are static; without a lock, the fence uses its own.
                fence <- Opaque::ffi_init(|slot: *mut bindings::dma_fence| unsafe {
                    bindings::dma_fence_init(
                        slot,
                        &OPS.0,
                        core::ptr::null_mut(),
                        timeline.context(),
                        seqno.0.into(),
                    )
                }),
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
        self.error().store(error.to_errno(), Relaxed);
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

/// The point that a fence is.
///
/// # Safety
///
/// `fence` must be the fence of a point that is valid for `'a`.
unsafe fn point<'a>(fence: *mut bindings::dma_fence) -> &'a Point {
    // SAFETY: By the caller's guarantee; the fence is the first member.
    unsafe { &*fence.cast() }
}

/// # Safety
///
/// Called by the fence core with a fence of ours.
unsafe extern "C" fn driver_name(_fence: *mut bindings::dma_fence) -> *const c_char {
    c"sw_sync".as_char_ptr()
}

/// # Safety
///
/// As [`driver_name`]. The caller uses the name in the same RCU read-side critical section.
unsafe extern "C" fn timeline_name(fence: *mut bindings::dma_fence) -> *const c_char {
    // SAFETY: The caller's guarantee. A timeline outlives its fences by a grace period.
    unsafe { point(fence) }.timeline.name()
}

/// # Safety
///
/// As [`driver_name`].
unsafe extern "C" fn signaled(fence: *mut bindings::dma_fence) -> bool {
    // SAFETY: The caller's guarantee.
    let point = unsafe { point(fence) };

    point.seqno() <= point.timeline.value()
}

/// # Safety
///
/// As [`driver_name`].
unsafe extern "C" fn set_deadline(fence: *mut bindings::dma_fence, deadline: bindings::ktime_t) {
    // SAFETY: The caller's guarantee.
    unsafe { point(fence) }.set_deadline(deadline);
}

/// # Safety
///
/// As [`driver_name`], when there is no reference to the fence any more, once, inside an RCU
/// read-side critical section. The fence must not be used afterwards.
unsafe extern "C" fn release(fence: *mut bindings::dma_fence) {
    // SAFETY: The caller's guarantee.
    let timeline = unsafe {
        let point = point(fence);
        point.timeline.forget(point);
        core::ptr::read(&point.timeline)
    };

    // Nobody asks a fence without a reference for its timeline. Of the rest of it only the module
    // needs something, below.
    drop(timeline);

    // SAFETY: The fence is where the allocation begins, and nothing points to it any more but what
    // RCU readers may have found before.
    unsafe { bindings::dma_fence_free(fence) };

    // SAFETY: Every point pins the module. What is left of this function is covered by the RCU
    // read-side critical section, which unloading waits for.
    unsafe { module::unpin() };
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
        // SAFETY: By the caller's guarantee.
        unsafe {
            bindings::module_put(&raw mut bindings::__this_module)
        };
    }
}
