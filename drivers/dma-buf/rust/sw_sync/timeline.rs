// SPDX-License-Identifier: GPL-2.0

//! Timelines: counters with fences that wait for them.

use crate::{
    layout::{
        issue::NewPoint,
        objects::{
            LivePoint,
            Point,
            Timeline, //
        }, //
    },
    seqno::Seqno,
    trace, //
};
use kernel::{
    dma_buf::Fence,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Release, //
    }, //
};

impl Timeline {
    /// The fence that is signalled when the timeline reaches `seqno`: the one that waits for it
    /// already, or a new one. If it is reached already, the fence is signalled.
    ///
    /// Fails as [`NewPoint::new`]. May sleep.
    pub(crate) fn fence(&self, seqno: Seqno) -> Result<ARef<Fence>> {
        let point = NewPoint::new(self, seqno)?
            .announce()
            .unwrap_or_else(|point| self.fence_late(point));

        Ok(point.into_fence())
    }

    /// For a point that is reached already, or comes while others are taken out that are: waits for
    /// them, and signals the point if it is reached.
    #[cold]
    fn fence_late(&self, point: NewPoint) -> LivePoint {
        let order = self.order.lock();

        point.announce().unwrap_or_else(|point| {
            drop(order);

            let point = point.publish();

            point.signal();
            point
        })
    }

    /// Advances the timeline and signals what it reaches, in order. May sleep.
    pub(crate) fn advance(&self, mut steps: u32) {
        let _order = self.order.lock();

        loop {
            // What lies behind by more would look as if it were ahead.
            let step = steps.min(Seqno::MAX_STEP);
            let before = self.value();

            trace::sync_timeline(&self.counter);
            // INVARIANT: `order` is held, until what is reached is taken out below.
            // MODEL: sw-sync-value, sw-sync-create
            self.counter
                .value()
                .store(before.add(step).0 as i32, Release);
            while let Some((point, is_last)) = self.pop_reached(before.next()) {
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

    /// Takes out the earliest point that is reached, of those from `from` on, and tells whether it
    /// was the last of them. Those that are dying are dropped on the way: nobody waits for them.
    fn pop_reached(&self, from: Seqno) -> Option<(LivePoint, bool)> {
        let value = self.value();
        let is_reached = |point: &Point| point.seqno() <= value;
        let mut pending = self.pending.lock();

        loop {
            let taken =
                pending.take_from(&from, |point| is_reached(point).then(|| point.try_get()));

            if let Some(point) = taken? {
                let is_last = !pending.first_from(&from).is_some_and(is_reached);
                return Some((point, is_last));
            }
        }
    }

    /// Fails what waits, in order, when nobody can advance the timeline any more. May sleep.
    ///
    /// The points stay pending for as long as they live, so that [`Self::inspect`] finds them.
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

        let pending = self.pending.lock();
        let mut from = value.next();
        while let Some(point) = pending.first_from(&from) {
            from = point.seqno().next();
            each(value, point);
        }
    }
}
