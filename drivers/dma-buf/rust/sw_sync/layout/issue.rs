// SPDX-License-Identifier: GPL-2.0

//! Issuing fences: their operations, and how long they live.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use super::{
    base::Base,
    index,
    objects::{
        LivePoint,
        Point,
        Timeline, //
    }, //
};
use crate::{
    deadline::Deadline,
    seqno::Seqno, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings::{
        self,
        ktime_t, //
    },
    dma_buf::Fence,
    interop::{
        export::{
            AsC,
            FromC,
            Wrapper, //
        },
        module_ref::OwnModuleRef, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        }, //
    },
    types::ForeignOwnable, //
};

impl Point {
    /// The point that `fence` is, if it is one.
    pub(crate) fn of(fence: &Fence) -> Option<&Self> {
        // SAFETY: The fence is alive. The fence core may take the operations off fences that others
        // have issued, at any time, and does so with a single write. Only points have ours.
        unsafe {
            // MODEL: none, because it is only compared.
            let ops = Atomic::from_ptr(&raw mut (*fence.as_c()).ops).load(Relaxed);

            ptr::eq(ops, &raw const OPS).then(|| FromC::from_c(fence.as_c()))
        }
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
        // SAFETY: This module is running. A point that nobody knows is dropped where the timeline
        // is borrowed, whose file keeps the module; for others see `release`.
        let module = unsafe { OwnModuleRef::get() };

        Ok(Self(KBox::pin_init(
            pin_init!(Point {
                timeline: timeline.into(),
                module: module.ok_or(ENODEV)?,
                links: index::Links::new(),
                deadline: Deadline::new(),
                // The last one, since a trace event in it makes use of the operations.
                //
                // SAFETY: They are for points, and this one's other members are complete.
                fence <- unsafe { Base::new(&OPS, timeline.context(), seqno.0.into()) },
            }? Error),
            GFP_KERNEL,
        )?))
    }

    /// Lets others know of it. [`release`] lets go of what it owns.
    pub(crate) fn publish(self) -> LivePoint {
        let fence = self.0.into_foreign();

        // SAFETY: A box is not NULL. A new fence has one reference, which is ours. It is the first
        // member.
        // INVARIANT: The fence is this point's.
        LivePoint(unsafe { ARef::from_raw(NonNull::new_unchecked(fence.cast())) })
    }

    /// Lets others find it among those that wait; or gives the one that waits for the same number.
    /// Gives it back if the timeline has reached it, or others that are still to be taken out: with
    /// those among them, numbers could be too far apart to be in an order. There are no such others
    /// for who holds `order`.
    pub(crate) fn announce(self) -> Result<LivePoint, Self> {
        let mut pending = self.0.timeline.pending.lock();

        let value = self.0.timeline.value();
        let is_reached = |point: &Point| point.seqno() <= value;

        // INVARIANT: What is inserted is later than the value, as all others are, or is taken out
        // by who changes that now: to do so it takes the lock after it has changed the value.
        if is_reached(&self.0) || pending.first().is_some_and(is_reached) {
            drop(pending);
            return Err(self);
        }
        // A point of the same number that is dying gives way.
        let other = pending.insert(&self.0, Point::try_get);

        drop(pending);
        Ok(other.unwrap_or_else(|| self.publish()))
    }
}

/// The table, which also tells these fences from all others.
static OPS: bindings::dma_fence_ops = bindings::dma_fence_ops {
    get_driver_name: Some(driver_name),
    get_timeline_name: Some(timeline_name),
    signaled: Some(signaled),
    release: Some(release),
    set_deadline: Some(set_deadline),
    ..pin_init::zeroed()
};

/// A point without a reference, in an RCU read-side critical section.
///
/// # Invariants
///
/// As that says, and nobody else lets go of what it owns.
#[repr(transparent)]
struct Dying<'a>(&'a Point);

/// A fence of ours to which there is no reference any more, once, inside an RCU read-side critical
/// section.
// SAFETY: The fence is the first member, and a reference is a pointer.
unsafe impl AsC for Dying<'_> {
    type C = *mut bindings::dma_fence;
}

kernel::callbacks! {
    fn driver_name(_fence: &Point) -> *const c_char {
        c"sw_sync".as_char_ptr()
    }

    /// The caller uses the name in the same RCU read-side critical section. A timeline outlives its
    /// fences by a grace period.
    fn timeline_name(point: &Point) -> *const c_char {
        point.timeline.counter.name().as_ptr()
    }

    fn signaled(point: &Point) -> bool {
        point.seqno() <= point.timeline.value()
    }

    fn set_deadline(point: &Point, deadline: ktime_t) {
        point.deadline.set(deadline);
    }

    /// The fence is gone afterwards.
    fn release(dying: Dying<'_>) {
        let point = dying.0;

        // Most have been taken out, when they were reached.
        if index::Index::may_have(point) {
            point.timeline.pending.lock().remove(point);
        }
        // SAFETY: Nobody asks a fence without a reference for its timeline: what is taken out is
        // not used there again. The fence is where the allocation begins, and nothing points to it
        // any more but what RCU readers may have found before.
        let (timeline, module) = unsafe {
            let owned = (ptr::read(&point.timeline), ptr::read(&point.module));

            bindings::dma_fence_free(point.as_c());
            owned
        };

        drop(timeline);
        // What is left of this function is covered by the RCU read-side critical section, which
        // unloading waits for.
        drop(module);
    }
}
