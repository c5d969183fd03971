// SPDX-License-Identifier: GPL-2.0

//! Everything but the live view: looks are printed, for scripts or into a file.

use crate::cli::Cli;
use crate::model::report::Report;
use crate::view::table::{Sizes, Table};
use crate::view::{csv, rows, text, tree};
use crate::watch::Watch;
use std::io::{self, Write};
use std::time::Duration;

/// What there was to say in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing special.
    Fine,
    /// Something only grows, and that was the question.
    Grows,
}

/// The column with this head.
pub fn column(table: &Table<'_>, head: &str) -> io::Result<usize> {
    table.column(head).ok_or_else(|| {
        let known = table.heads.join(", ").to_ascii_lowercase();
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("--sort {head}: there is no such column: {known}"),
        )
    })
}

/// Prints as many looks as are wanted.
pub fn run(cli: &Cli, out: &mut impl Write) -> io::Result<Outcome> {
    let mut watch = Watch::new(cli);
    let mut outcome = Outcome::Fine;
    for look in 1.. {
        let last = cli.limit() == Some(look);
        watch.look(|report| {
            if cli.growing && report.grows() {
                outcome = Outcome::Grows;
            }
            if last || !cli.only_last() {
                print(cli, out, report, look == 1 || cli.only_last())?;
                out.flush()?;
            }
            Ok(())
        })?;
        if last {
            break;
        }
        std::thread::sleep(cli.interval.max(Duration::from_millis(1)));
    }
    Ok(outcome)
}

fn print(cli: &Cli, out: &mut impl Write, report: &Report<'_>, first: bool) -> io::Result<()> {
    let sizes = if cli.bytes {
        Sizes::Bytes
    } else {
        Sizes::Units
    };
    if cli.json {
        serde_json::to_writer(&mut *out, report)?;
        return writeln!(out);
    }
    if let Some(ino) = cli.buffer {
        let lines = tree::lines(report, ino, sizes).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("there is no buffer {ino} that could be seen"),
            )
        })?;
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        return notes(out, report);
    }
    let mut table = rows::table(report, cli.by, cli.growing);
    if let Some(head) = &cli.sort {
        let column = column(&table, head)?;
        table.sort(column);
    }
    if cli.csv {
        if first {
            csv::write_heads(out, &table)?;
        }
        return csv::write_rows(out, &table, report.time);
    }
    if !first {
        writeln!(out)?;
    }
    writeln!(out, "{}", text::summary(report, sizes))?;
    text::write(out, &table, sizes)?;
    notes(out, report)
}

fn notes(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    text::unseen(report)
        .iter()
        .try_for_each(|line| writeln!(out, "{line}"))
}
