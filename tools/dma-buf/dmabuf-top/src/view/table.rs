// SPDX-License-Identifier: GPL-2.0

//! Rows and columns, as every view of a table wants them.

use super::units;
use std::cmp::Ordering;

/// What stands in one place.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// A name.
    Name(&'a str),
    /// A text that is made here.
    Text(String),
    /// A plain number.
    Number(u64),
    /// Bytes.
    Bytes(u64),
    /// Bytes, or more.
    AtLeast(u64),
    /// More bytes than before.
    Change(Option<i64>),
    /// Bytes a second.
    Rate(Option<f64>),
    /// Seconds.
    Age(Option<f64>),
}

/// How sizes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// With units, for people.
    Units,
    /// In bytes.
    Bytes,
}

impl Cell<'_> {
    /// As it is shown.
    pub fn show(&self, sizes: Sizes) -> String {
        let size = |bytes: u64| match sizes {
            Sizes::Units => units::size(bytes),
            Sizes::Bytes => bytes.to_string(),
        };
        match self {
            Cell::Name(name) => units::printable(name).into_owned(),
            Cell::Text(text) => units::printable(text).into_owned(),
            Cell::Number(number) => number.to_string(),
            Cell::Bytes(bytes) => size(*bytes),
            Cell::AtLeast(bytes) => format!("{}+", size(*bytes)),
            Cell::Change(None) | Cell::Rate(None) | Cell::Age(None) => String::new(),
            Cell::Change(Some(bytes)) => match sizes {
                Sizes::Units => units::change(*bytes),
                Sizes::Bytes => bytes.to_string(),
            },
            Cell::Rate(Some(rate)) => format!("{}/s", size(*rate as u64)),
            Cell::Age(Some(seconds)) => units::age(*seconds),
        }
    }

    /// As programs want it: exact and without units.
    pub fn raw(&self) -> String {
        match self {
            Cell::Name(name) => (*name).to_owned(),
            Cell::Text(text) => text.clone(),
            Cell::Number(number) | Cell::Bytes(number) | Cell::AtLeast(number) => {
                number.to_string()
            }
            Cell::Change(change) => change.map(|bytes| bytes.to_string()).unwrap_or_default(),
            Cell::Rate(value) | Cell::Age(value) => {
                value.map(|value| value.to_string()).unwrap_or_default()
            }
        }
    }

    /// Whether it stands at the right of its column.
    pub fn is_number(&self) -> bool {
        !matches!(self, Cell::Name(_) | Cell::Text(_))
    }

    fn number(&self) -> f64 {
        match self {
            Cell::Name(_) | Cell::Text(_) => 0.0,
            Cell::Number(number) | Cell::Bytes(number) | Cell::AtLeast(number) => *number as f64,
            Cell::Change(change) => change.unwrap_or(0) as f64,
            Cell::Rate(value) | Cell::Age(value) => value.unwrap_or(-1.0),
        }
    }

    /// The largest number first, text in alphabetical order.
    fn order(&self, other: &Cell<'_>) -> Ordering {
        let text = |cell: &Cell<'_>| match cell {
            Cell::Name(name) => Some((*name).to_owned()),
            Cell::Text(text) => Some(text.clone()),
            _ => None,
        };
        match (text(self), text(other)) {
            (Some(one), Some(two)) => one.cmp(&two),
            _ => other.number().total_cmp(&self.number()),
        }
    }
}

/// A row, and which buffer it is about, if it is about one.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// One for each column.
    pub cells: Vec<Cell<'a>>,
    /// The buffer.
    pub ino: Option<u64>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<'a> {
    /// The heads of its columns.
    pub heads: &'static [&'static str],
    /// Its rows.
    pub rows: Vec<Row<'a>>,
}

impl Table<'_> {
    /// Sorts by a column; what is equal stays as it was.
    pub fn sort(&mut self, column: usize) {
        self.rows.sort_by(
            |one, two| match (one.cells.get(column), two.cells.get(column)) {
                (Some(one), Some(two)) => one.order(two),
                _ => Ordering::Equal,
            },
        );
    }

    /// The column with this head, in whatever case.
    pub fn column(&self, head: &str) -> Option<usize> {
        self.heads
            .iter()
            .position(|known| known.eq_ignore_ascii_case(head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting() {
        let row = |name: &'static str, bytes| Row {
            cells: vec![Cell::Name(name), Cell::Bytes(bytes)],
            ino: None,
        };
        let mut table = Table {
            heads: &["NAME", "SIZE"],
            rows: vec![row("b", 1), row("a", 9), row("c", 9)],
        };
        let names = |table: &Table<'_>| {
            table
                .rows
                .iter()
                .map(|row| row.cells[0].raw())
                .collect::<String>()
        };
        table.sort(1);
        assert_eq!(names(&table), "acb");
        table.sort(0);
        assert_eq!(names(&table), "abc");
        table.sort(7);
        assert_eq!(
            (
                names(&table).as_str(),
                table.column("size"),
                table.column("x")
            ),
            ("abc", Some(1), None)
        );
    }
}
