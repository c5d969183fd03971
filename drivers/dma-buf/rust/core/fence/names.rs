// SPDX-License-Identifier: GPL-2.0

//! What a fence is called.
//!
//! The issuer's strings are only valid while the fence is not signalled and, within RCU, for a
//! grace period after that. Later there are two fixed ones.

use super::{
    flag::Flag,
    layout::{
        name::Name,
        ops::ops, //
    },
    state::has,
    table::{
        Question,
        Table, //
    }, //
};
use kernel::{
    dma_buf::Fence,
    interop::printf::Format,
    prelude::*,
    seq_file::SeqFile,
    sync::rcu, //
};

fn name<'a>(
    fence: &Fence,
    rcu: &'a rcu::Guard,
    pick: impl FnOnce(&Table) -> Option<&Question<*const c_char>>,
    detached: &'static CStr,
) -> Name<'a> {
    // Old issuers stay attached and may be gone all the same: both must be asked, in any order.
    // MODEL: fence-names
    ops(fence, rcu)
        .filter(|_| !has(fence, Flag::Signaled))
        .and_then(|ops| ops.name(pick, rcu))
        .unwrap_or(Name::new(detached))
}

/// The name of the driver that has issued `fence`.
pub(super) fn driver<'a>(fence: &Fence, rcu: &'a rcu::Guard) -> Name<'a> {
    name(fence, rcu, Table::get_driver_name, c"detached-driver")
}

/// The name of the context of `fence`.
pub(super) fn timeline<'a>(fence: &Fence, rcu: &'a rcu::Guard) -> Name<'a> {
    name(fence, rcu, Table::get_timeline_name, c"signaled-timeline")
}

/// Calls `f` with the names of the driver and of the timeline. `f` must not sleep.
#[cfg(CONFIG_SYNC_FILE)]
pub(crate) fn with_names<T>(fence: &Fence, f: impl FnOnce(Name<'_>, Name<'_>) -> T) -> T {
    let rcu = rcu::read_lock();

    f(driver(fence, &rcu), timeline(fence, &rcu))
}

/// Prints one line about `fence`.
pub(crate) fn describe(fence: &Fence, m: &SeqFile) {
    const LINE: Format<(u64, u64, Name<'_>, Name<'_>, &CStr)> =
        Format::new(c"%llu:%llu %s %s %ssignalled\n");

    let rcu = rcu::read_lock();
    let (timeline, driver, un) = if fence.is_done() {
        (Name::new(c""), Name::new(c""), c"")
    } else {
        (timeline(fence, &rcu), driver(fence, &rcu), c"un")
    };

    LINE.print(m, (fence.context(), fence.seqno(), timeline, driver, un));
}
