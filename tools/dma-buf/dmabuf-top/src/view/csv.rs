// SPDX-License-Identifier: GPL-2.0

//! A table as comma-separated values (RFC 4180), in bytes and seconds.

use super::table::Table;
use std::io::{self, Write};

/// The heads, in lower case, behind the time of the look.
pub fn write_heads(out: &mut impl Write, table: &Table<'_>) -> io::Result<()> {
    write!(out, "time")?;
    for head in table.heads {
        write!(out, ",{}", head.to_ascii_lowercase())?;
    }
    write!(out, "\r\n")
}

/// The rows.
pub fn write_rows(out: &mut impl Write, table: &Table<'_>, time: f64) -> io::Result<()> {
    for row in &table.rows {
        write!(out, "{time:.3}")?;
        for cell in &row.cells {
            write!(out, ",{}", quoted(cell.raw()))?;
        }
        write!(out, "\r\n")?;
    }
    Ok(())
}

fn quoted(text: String) -> String {
    if !text.contains(['"', ',', '\n', '\r']) {
        return text;
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::super::table::{Cell, Row};
    use super::*;

    #[test]
    fn names_of_any_kind() {
        let cells = vec![
            Cell::Name("a\n\"b\",c"),
            Cell::Bytes(4096),
            Cell::Change(None),
        ];
        let table = Table {
            heads: &["NAME", "SIZE", "CHANGE"],
            rows: vec![Row { cells, ino: None }],
        };
        let mut out = Vec::new();
        write_heads(&mut out, &table).unwrap();
        write_rows(&mut out, &table, 1.5).unwrap();
        assert_eq!(
            out,
            b"time,name,size,change\r\n1.500,\"a\n\"\"b\"\",c\",4096,\r\n"
        );
    }
}
