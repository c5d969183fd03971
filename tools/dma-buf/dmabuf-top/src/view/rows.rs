// SPDX-License-Identifier: GPL-2.0

//! The tables: which columns each has, and how a report fills them.

use super::table::{Cell, Row, Table};
use crate::cli::By;
use crate::model::history::Growth;
use crate::model::report::{BufferRow, DrmRow, GroupRow, ProcessRow, Report};

/// What stands in the place of a name where there is none.
const NO_PROCESS: &str = "(no process)";

/// A table of a report, sorted by what it is mostly asked for.
pub fn table<'a>(report: &'a Report<'_>, by: By, growing: bool) -> Table<'a> {
    let keep = |growth: &Option<Growth>| !growing || growth.is_some();
    let mut table = match by {
        By::Buffer => Table {
            heads: &[
                "INO", "SIZE", "EXPORTER", "NAME", "REFS", "FDS", "MAPS", "HOLDERS", "ATTACHED",
                "FENCES", "PENDING", "NEW",
            ],
            rows: report.buffers.iter().map(buffer).collect(),
        },
        By::Process => {
            let rows = report
                .processes
                .iter()
                .filter(|row| keep(&row.growth))
                .map(process);
            Table {
                heads: &[
                    "PID", "PROCESS", "BUFFERS", "BYTES", "PRIVATE", "SHARE", "MAPPED", "FDS",
                    "CHANGE", "RATE", "CGROUP",
                ],
                rows: rows.chain(nobody(report, growing)).collect(),
            }
        }
        By::Cgroup => groups("CGROUP", &report.cgroups, NO_PROCESS, keep),
        By::Exporter => groups("EXPORTER", &report.exporters, "(unknown)", keep),
        By::Device => groups("DEVICE", &report.devices, "(none attached)", keep),
        By::Drm => Table {
            heads: &[
                "DRIVER", "DEVICE", "CLIENT", "PID", "PROCESS", "REGION", "TOTAL", "SHARED",
                "RESIDENT",
            ],
            rows: report.drm.iter().flat_map(drm).collect(),
        },
    };
    if let Some(column) = default_column(by).and_then(|head| table.column(head)) {
        table.sort(column);
    }
    table
}

/// By what a table is sorted when nobody says it.
pub fn default_column(by: By) -> Option<&'static str> {
    match by {
        By::Buffer => Some("SIZE"),
        By::Process | By::Cgroup | By::Exporter | By::Device => Some("BYTES"),
        By::Drm => Some("TOTAL"),
    }
}

fn buffer<'a>(row: &'a BufferRow<'_>) -> Row<'a> {
    let count = |count: usize| Cell::Number(count as u64);
    let holders = match (row.holders.iter().next(), row.holders.len()) {
        (None, _) => NO_PROCESS.to_owned(),
        (Some(one), 1) => format!("{} {}", one.pid, one.process),
        (Some(one), all) => format!("{} {} and {} more", one.pid, one.process, all - 1),
    };
    let pending = row
        .fences
        .iter()
        .filter_map(|fence| fence.pending_for)
        .reduce(f64::max);
    let cells = vec![
        Cell::Number(row.ino),
        if row.exact {
            Cell::Bytes(row.size)
        } else {
            Cell::AtLeast(row.size)
        },
        Cell::Name(row.exporter),
        Cell::Name(row.name),
        row.references.map_or(Cell::Name(""), Cell::Number),
        count(
            row.holders
                .iter()
                .map(|holder| holder.descriptors.iter().count())
                .sum(),
        ),
        count(
            row.holders
                .iter()
                .map(|holder| holder.mappings.count())
                .sum(),
        ),
        Cell::Text(holders),
        Cell::Text(row.attachments.join(" ")),
        count(
            row.fences
                .iter()
                .filter(|fence| fence.fence.pending)
                .count(),
        ),
        Cell::Age(pending),
        Cell::Name(if row.new { "new" } else { "" }),
    ];
    Row {
        cells,
        ino: Some(row.ino),
    }
}

fn process<'a>(row: &'a ProcessRow<'_>) -> Row<'a> {
    let cells = vec![
        Cell::Number(row.pid.into()),
        Cell::Name(row.process),
        Cell::Number(row.sum.buffers),
        Cell::Bytes(row.sum.bytes),
        Cell::Bytes(row.sum.private),
        Cell::Bytes(row.sum.share),
        Cell::Bytes(row.mapped),
        Cell::Number(row.descriptors),
        Cell::Change(row.change),
        Cell::Rate(row.growth.map(|growth| growth.rate)),
        Cell::Name(row.cgroup),
    ];
    Row { cells, ino: None }
}

/// What no process holds, so that the table adds up.
fn nobody<'a>(report: &Report<'_>, growing: bool) -> Option<Row<'a>> {
    if growing || report.nobody.buffers == 0 {
        return None;
    }
    let sum = report.nobody;
    let cells = vec![
        Cell::Name(""),
        Cell::Name(NO_PROCESS),
        Cell::Number(sum.buffers),
        Cell::Bytes(sum.bytes),
        Cell::Bytes(sum.private),
        Cell::Bytes(sum.share),
        Cell::Name(""),
        Cell::Name(""),
        Cell::Change(None),
        Cell::Rate(None),
        Cell::Name(""),
    ];
    Some(Row { cells, ino: None })
}

fn groups<'a>(
    head: &'static str,
    groups: &'a [GroupRow<'_>],
    unnamed: &'static str,
    keep: impl Fn(&Option<Growth>) -> bool,
) -> Table<'a> {
    let rows = groups.iter().filter(|row| keep(&row.growth)).map(|row| {
        let cells = vec![
            Cell::Name(row.name.unwrap_or(unnamed)),
            Cell::Number(row.sum.buffers),
            Cell::Bytes(row.sum.bytes),
            Cell::Bytes(row.sum.private),
            Cell::Bytes(row.sum.share),
            Cell::Change(row.change),
            Cell::Rate(row.growth.map(|growth| growth.rate)),
        ];
        Row { cells, ino: None }
    });
    let heads: &[&str] = match head {
        "CGROUP" => &[
            "CGROUP", "BUFFERS", "BYTES", "PRIVATE", "SHARE", "CHANGE", "RATE",
        ],
        "EXPORTER" => &[
            "EXPORTER", "BUFFERS", "BYTES", "PRIVATE", "SHARE", "CHANGE", "RATE",
        ],
        _ => &[
            "DEVICE", "BUFFERS", "BYTES", "PRIVATE", "SHARE", "CHANGE", "RATE",
        ],
    };
    Table {
        heads,
        rows: rows.collect(),
    }
}

fn drm<'a>(row: &'a DrmRow<'_>) -> impl Iterator<Item = Row<'a>> {
    row.regions.iter().map(|region| Row {
        cells: vec![
            Cell::Name(row.driver),
            Cell::Name(row.device),
            Cell::Number(row.client),
            Cell::Number(row.pid.into()),
            Cell::Name(row.process),
            Cell::Name(&region.name),
            Cell::Bytes(region.total),
            Cell::Bytes(region.shared),
            Cell::Bytes(region.resident),
        ],
        ino: None,
    })
}
