// SPDX-License-Identifier: GPL-2.0

//! All timelines, oldest first.

use crate::{
    layout::index::Index,
    timeline::Timeline, //
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        global_lock, //
    },
};

global_lock! {
    // SAFETY: Initialised by `init()` before anything else uses it.
    unsafe(uninit) static TIMELINES: SpinLockIrq<Option<Index<Timeline>>> = None;
}

/// Makes the registry usable.
///
/// # Safety
///
/// Must be called once, before any other function of this module.
pub(crate) unsafe fn init() {
    // SAFETY: By the caller's guarantee.
    unsafe { TIMELINES.init() };
}

/// Adds a timeline.
///
/// # Safety
///
/// The timeline must be new. It must not move, and stay valid until it is passed to [`remove`].
pub(crate) unsafe fn insert(timeline: &Timeline) {
    let mut timelines = TIMELINES.lock();
    let timelines = timelines.get_or_insert_with(Index::new);

    // No other timeline has its context.
    //
    // SAFETY: By the caller's guarantee.
    unsafe { timelines.insert(timeline, |_| None::<()>) };
}

/// Takes a timeline off.
pub(crate) fn remove(timeline: &Timeline) {
    if let Some(timelines) = TIMELINES.lock().as_mut() {
        timelines.remove(timeline);
    }
}

/// The first timeline that is alive, of those with the context `from` or a later one.
fn first_from(mut from: u64) -> Option<ARef<Timeline>> {
    let timelines = TIMELINES.lock();
    let timelines = timelines.as_ref()?;

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
