// SPDX-License-Identifier: GPL-2.0

//! A table as plain text.

use super::table::{Cell, Sizes, Table};
use super::units;
use crate::model::report::Report;
use std::io::{self, Write};

/// The head of every view: what there is in all.
pub fn summary(report: &Report<'_>, sizes: Sizes) -> String {
    let bytes = |bytes| Cell::Bytes(bytes).show(sizes);
    let pending = report
        .buffers
        .iter()
        .flat_map(|buffer| &buffer.fences)
        .filter(|fence| fence.fence.pending);
    format!(
        "{} buffers, {} in all; held by no process seen: {}, {}; fences pending: {}",
        report.total.buffers,
        bytes(report.total.bytes),
        report.nobody.buffers,
        bytes(report.nobody.bytes),
        pending.count()
    )
}

/// What could not be seen, a line each.
pub fn unseen(report: &Report<'_>) -> Vec<String> {
    let line = |unseen: &crate::model::snapshot::Unseen| {
        let of = unseen
            .processes
            .map(|count| format!(" (processes: {count})"))
            .unwrap_or_default();
        format!(
            "not seen: {}{of}: {}",
            unseen.what,
            units::printable(&unseen.why)
        )
    };
    report.unseen.iter().map(line).collect()
}

/// A table, each column as wide as what stands in it.
pub fn write(out: &mut impl Write, table: &Table<'_>, sizes: Sizes) -> io::Result<()> {
    let cells: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|row| row.cells.iter().map(|cell| cell.show(sizes)).collect())
        .collect();
    let width = |column: usize, head: &str| {
        let widest = cells
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max();
        widest.unwrap_or(0).max(head.len())
    };
    let columns: Vec<(usize, bool)> = (0..)
        .zip(table.heads)
        .map(|(column, head)| {
            let number =
                |row: &super::table::Row<'_>| row.cells.get(column).is_some_and(Cell::is_number);
            (width(column, head), table.rows.iter().any(number))
        })
        .collect();
    let heads: Vec<String> = table.heads.iter().map(|&head| head.to_owned()).collect();
    for row in std::iter::once(&heads).chain(&cells) {
        let mut line = String::new();
        for (cell, &(width, right)) in row.iter().zip(&columns) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let pad = width - cell.chars().count().min(width);
            let (before, after) = if right { (pad, 0) } else { (0, pad) };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', after));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
