// SPDX-License-Identifier: GPL-2.0

//! Timelines: counters with fences that wait for them.

use crate::{
    layout::{
        counter::Counter,
        index::{
            Index,
            Indexed,
            Links, //
        }, //
    },
    point::{
        LivePoint,
        NewPoint,
        Point, //
    },
    registry,
    seqno::Seqno,
    trace, //
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
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Acquire,
            Release, //
        },
        new_mutex,
        new_spinlock_irq,
        Mutex,
        SpinLockIrq, //
    },
    types::Opaque,
};

/// A counter that user space advances, and the fences that are signalled by that.
///
/// # Invariants
///
/// - The points in `pending` have this timeline.
/// - `order` is held while the value changes and while points are added to `pending`. When it is
///   not held, the points there are later than the value.
/// - The memory is from `kmalloc()`. It is freed, without running destructors, a grace period of
///   RCU after the last reference is gone. `pending` is empty then, for points own references.
#[pin_data]
pub(crate) struct Timeline {
    /// Reference count, context of the fences, name and value, as trace events know them.
    #[pin]
    counter: Counter,
    #[pin]
    order: Mutex<()>,
    #[pin]
    pending: SpinLockIrq<Index<Point>>,
    /// In the registry.
    #[pin]
    links: Links,
    #[pin]
    rcu: Opaque<bindings::kvfree_rcu_head>,
}

// SAFETY: All of it is `Send`, but for `rcu`, which is not used while there is a reference.
unsafe impl Send for Timeline {}

// SAFETY: As above.
unsafe impl Sync for Timeline {}

// SAFETY: The timeline lives while the count is not zero.
unsafe impl AlwaysRefCounted for Timeline {
    fn inc_ref(&self) {
        self.counter.get();
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the caller's guarantee; if nobody else has a reference it is valid still, for
        // it is freed here.
        let this = unsafe { obj.as_ref() };

        if this.counter.put() {
            registry::remove(this);
            // MODEL: sw-sync-name, sw-sync-registry
            // SAFETY: The memory is from `kmalloc()`, and nobody can find it any more. `rcu` is for
            // this. By the type invariants there is nothing to destruct.
            unsafe { bindings::kvfree_call_rcu(this.rcu.get(), obj.as_ptr().cast()) };
        }
    }
}

// SAFETY: The registry is the only index of timelines. A context does not change.
unsafe impl Indexed for Timeline {
    const LINKS: usize = offset_of!(Timeline, links);
    type Key = u64;

    fn key(&self) -> u64 {
        self.context()
    }
}

// What `kvfree_call_rcu()` asks for.
const _: () = assert!(offset_of!(Timeline, rcu) < 4096);

impl Timeline {
    /// Creates a timeline at value 0, named after the calling thread.
    ///
    /// Fails with `ENOMEM`. May sleep.
    pub(crate) fn new() -> Result<ARef<Self>> {
        let timeline = KBox::pin_init(
            pin_init!(Self {
                counter <- Counter::new(),
                order <- new_mutex!(()),
                pending <- new_spinlock_irq!(Index::new()),
                links <- Links::new(),
                rcu: Opaque::zeroed(),
            }),
            GFP_KERNEL,
        )?;

        // SAFETY: The timeline is not moved: it becomes a reference to where it is.
        let timeline = NonNull::from(KBox::leak(unsafe { Pin::into_inner_unchecked(timeline) }));
        // SAFETY: A new timeline has one reference, which is ours.
        let timeline = unsafe { ARef::<Self>::from_raw(timeline) };

        // SAFETY: It stays where it is, and removes itself before it is freed.
        unsafe { registry::insert(&timeline) };
        Ok(timeline)
    }

    /// Takes a reference, unless the last one is gone.
    pub(crate) fn try_get(&self) -> Option<ARef<Self>> {
        self.counter
            .get_unless_zero()
            // SAFETY: There is a reference for us.
            .then(|| unsafe { ARef::from_raw(self.into()) })
    }

    /// The context of the timeline's fences, which no other timeline has.
    pub(crate) fn context(&self) -> u64 {
        self.counter.context()
    }

    /// The name, a string for C. It is constant.
    pub(crate) fn name(&self) -> *const c_char {
        self.counter.name()
    }

    /// What the timeline has reached: the fences up to that number are signalled, or about to be.
    pub(crate) fn value(&self) -> Seqno {
        // Whoever finds a fence signalled because of it sees what was done before the advance.
        // MODEL: sw-sync-value
        Seqno(self.counter.value().load(Acquire) as u32)
    }

    /// The fence that is signalled when the timeline reaches `seqno`: the one that waits for it
    /// already, or a new one. If it is reached already, the fence is signalled.
    ///
    /// Fails as [`NewPoint::new`]. May sleep.
    pub(crate) fn fence(&self, seqno: Seqno) -> Result<ARef<Fence>> {
        let point = NewPoint::new(self, seqno)?;
        let order = self.order.lock();

        if seqno <= self.value() {
            drop(order);
            let point = point.publish();
            point.signal();
            return Ok(point.into_fence());
        }

        // A point of the same number that is dying gives way.
        //
        // SAFETY: The point is new and does not move; its release removes it.
        // INVARIANT: `order` is held, and the number is later than the value.
        let other = unsafe { self.pending.lock().insert(&*point, Point::try_get) };
        let point = other.unwrap_or_else(|| point.publish());

        drop(order);
        Ok(point.into_fence())
    }

    /// Takes `point` out of those that wait, for good.
    pub(crate) fn forget(&self, point: &Point) {
        self.pending.lock().remove(point);
    }

    /// Advances the timeline and signals what it reaches, in order. May sleep.
    pub(crate) fn advance(&self, mut steps: u32) {
        let _order = self.order.lock();

        loop {
            // What lies behind by more would look as if it were ahead.
            let step = steps.min(Seqno::MAX_STEP);

            trace::sync_timeline(&self.counter);
            // INVARIANT: `order` is held, until what is reached is taken out below.
            // MODEL: sw-sync-value
            self.counter
                .value()
                .store(self.value().add(step).0 as i32, Release);
            while let Some((point, is_last)) = self.pop_reached() {
                point.signal();
                if is_last {
                    break;
                }
            }

            steps -= step;
            if steps == 0 {
                break;
            }
        }
    }

    /// Takes out the earliest point that is reached, and tells whether it was the last of them.
    /// Those that are dying are dropped on the way: nobody waits for them.
    fn pop_reached(&self) -> Option<(LivePoint, bool)> {
        let value = self.value();
        let mut pending = self.pending.lock();

        loop {
            let point = pending.first().filter(|point| point.seqno() <= value)?;
            // If there is none, the point needs the lock to be freed.
            // MODEL: sw-sync-dying, sw-sync-turns
            let live = point.try_get();
            let point = NonNull::from(point);

            // SAFETY: It is kept by the reference, or by the lock.
            pending.remove(unsafe { point.as_ref() });
            if let Some(live) = live {
                let is_last = pending.first().is_none_or(|next| next.seqno() > value);
                return Some((live, is_last));
            }
        }
    }

    /// Fails what waits, in order, when nobody can advance the timeline any more. May sleep.
    ///
    /// The points stay pending for as long as they live, so that [`Self::for_each_pending`] finds
    /// them.
    pub(crate) fn close(&self) {
        let _order = self.order.lock();
        let mut from = self.value().next();

        while let Some(point) = self.first_pending(from) {
            from = point.seqno().next();
            point.fail(ENOENT);
        }
    }

    /// The first point from `from` on that is not dying.
    fn first_pending(&self, mut from: Seqno) -> Option<LivePoint> {
        let pending = self.pending.lock();

        loop {
            let point = pending.first_from(&from)?;
            if let Some(point) = point.try_get() {
                return Some(point);
            }
            from = point.seqno().next();
        }
    }

    /// Calls `f` with the value, and `each` with every point that waits, in order. May sleep;
    /// `each` must not: it is called with interrupts disabled.
    ///
    /// Nothing is signalled meanwhile.
    pub(crate) fn inspect(&self, f: impl FnOnce(Seqno), mut each: impl FnMut(Seqno, &Point)) {
        let _order = self.order.lock();
        let value = self.value();

        f(value);
        for point in self.pending.lock().iter() {
            each(value, point);
        }
    }
}
