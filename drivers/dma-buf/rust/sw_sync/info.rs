// SPDX-License-Identifier: GPL-2.0

//! What `sync/info` says.

use crate::{
    point::Point,
    registry,
    seqno::Seqno,
    timeline::Timeline, //
};
use kernel::{
    bindings,
    fs::show::is_full,
    interop::export::Wrapper,
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
};

const RULE: &str = "--------------";

/// Prints all timelines and the fences that wait. Sleeps.
pub(crate) fn show(m: &SeqFile) {
    seq_print!(m, "objs:\n{RULE}\n");
    for timeline in registry::iter() {
        if is_full(m) {
            // seq_file will ask again with more room.
            return;
        }
        timeline.inspect(
            |value| {
                print_name(m, &timeline);
                seq_print!(m, ": {}\n", value.0 as i32);
            },
            |value, point| print_point(m, point, value),
        );
        seq_print!(m, "\n");
    }
    seq_print!(m, "fences:\n{RULE}\n");
}

fn print_point(m: &SeqFile, point: &Point, value: Seqno) {
    let status = match point.status() {
        ..0 => "error",
        0 => "active",
        1.. => "signaled",
    };

    seq_print!(m, "  fence {status}");
    if let Some(timestamp) = point.timestamp() {
        print_time(m, timestamp);
    }
    seq_print!(m, ": {} / {}\n", point.seqno().0, value.0 as i32);
}

/// Printed by C, which leaves the bytes alone that a user chose.
fn print_name(m: &SeqFile, timeline: &Timeline) {
    // SAFETY: `m` is valid, and the format takes a string.
    unsafe { bindings::seq_printf(m.as_c(), c"%s".as_char_ptr(), timeline.name()) };
}

/// Printed by C, which can divide 64 bits on any machine.
fn print_time(m: &SeqFile, time: bindings::ktime_t) {
    // SAFETY: `m` is valid, and the format takes a `struct timespec64`.
    unsafe {
        let time = bindings::ns_to_timespec64(time);
        bindings::seq_printf(m.as_c(), c"@%ptSp".as_char_ptr(), &raw const time);
    }
}
