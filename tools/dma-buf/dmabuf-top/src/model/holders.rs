// SPDX-License-Identifier: GPL-2.0

//! Who holds a buffer, and how: made while it is shown, since most views do not.

use super::ledger::{Holder, Ledger};
use super::snapshot::{By, Hold, Snapshot};
use serde::{Serialize, Serializer};

/// The processes that hold a buffer.
#[derive(Debug, Clone, Copy)]
pub struct Holders<'a> {
    seen: &'a Snapshot,
    books: &'a Ledger,
    holders: &'a [Holder],
}

impl<'a> Holders<'a> {
    /// Those of the buffer in this place.
    pub fn of(seen: &'a Snapshot, books: &'a Ledger, buffer: usize) -> Holders<'a> {
        Holders {
            seen,
            books,
            holders: books.holders_of(buffer),
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.holders.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.holders.is_empty()
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = HolderRow<'a>> {
        let Holders {
            seen,
            books,
            holders,
        } = self;
        holders.iter().map(move |holder| {
            let process = &seen.processes[holder.process as usize];
            let holds = &books.holds[holder.holds.clone()];
            HolderRow {
                pid: process.pid,
                process: &process.name,
                share: holder.share,
                descriptors: Descriptors(holds),
                mappings: Mappings(holds),
            }
        })
    }
}

impl Serialize for Holders<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// A process that holds a buffer.
#[derive(Debug, Serialize)]
pub struct HolderRow<'a> {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub process: &'a str,
    /// Its part of the bytes.
    pub share: u64,
    /// By these descriptors.
    pub descriptors: Descriptors<'a>,
    /// And by these mappings.
    pub mappings: Mappings<'a>,
}

/// The descriptors among the ways in which a buffer is held.
#[derive(Debug, Clone, Copy)]
pub struct Descriptors<'a>(&'a [Hold]);

impl Descriptors<'_> {
    /// Their numbers.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().filter_map(|hold| match hold.by {
            By::Descriptor(number) => Some(number),
            By::Mapping(_) => None,
        })
    }
}

impl Serialize for Descriptors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The mappings among the ways in which a buffer is held.
#[derive(Debug, Clone, Copy)]
pub struct Mappings<'a>(&'a [Hold]);

impl Mappings<'_> {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = MappingRow> + '_ {
        self.0.iter().filter_map(|hold| match hold.by {
            By::Descriptor(_) => None,
            By::Mapping(map) => Some(MappingRow {
                start: map.start,
                length: map.end.saturating_sub(map.start),
                offset: map.offset,
                permissions: map.permissions.map(char::from).iter().collect(),
            }),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0
            .iter()
            .filter(|hold| matches!(hold.by, By::Mapping(_)))
            .count()
    }
}

impl Serialize for Mappings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// A mapping of a buffer.
#[derive(Debug, Serialize)]
pub struct MappingRow {
    /// First address.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// Where in the buffer it begins.
    pub offset: u64,
    /// As in `/proc/PID/maps`.
    pub permissions: String,
}
