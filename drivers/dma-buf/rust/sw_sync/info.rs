// SPDX-License-Identifier: GPL-2.0

//! What `sync/info` says.

use crate::{
    layout::objects::Point,
    registry,
    seqno::Seqno, //
};
use kernel::{
    fs::show::{
        is_full,
        print, //
    },
    interop::printf::{
        Format,
        Time, //
    },
    seq_file::{
        seq_print,
        SeqFile, //
    },
};

const RULE: &str = "--------------";

const AT: Format<(Time,)> = Format::new(c"@%ptSp");

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
                print(m, timeline.name());
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
        AT.print(m, (timestamp.into(),));
    }
    seq_print!(m, ": {} / {}\n", point.seqno().0, value.0 as i32);
}
