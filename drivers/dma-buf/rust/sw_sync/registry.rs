// SPDX-License-Identifier: GPL-2.0

//! All timelines, oldest first.

use crate::layout::{
    index::Index,
    objects::{
        Timeline,
        TIMELINES, //
    }, //
};
use kernel::sync::{
    aref::ARef,
    new_spinlock_irq, //
};

/// Makes the registry usable: before, there is no timeline.
#[inline]
pub(crate) fn init() {
    TIMELINES.init(new_spinlock_irq!(Index::new()));
}

/// The first timeline that is alive, of those with the context `from` or a later one.
fn first_from(mut from: u64) -> Option<ARef<Timeline>> {
    let timelines = TIMELINES.get()?.lock();

    loop {
        let timeline = timelines.first_from(&from)?;
        if let Some(timeline) = timeline.try_get() {
            return Some(timeline);
        }
        from = timeline.context().checked_add(1)?;
    }
}

/// All timelines. The registry is locked between them only, so that one may sleep over each.
pub(crate) fn iter() -> impl Iterator<Item = ARef<Timeline>> {
    core::iter::successors(first_from(0), |timeline| {
        first_from(timeline.context().checked_add(1)?)
    })
}
