// SPDX-License-Identifier: GPL-2.0

//! The books of one look: who holds which buffer, and what that comes to for each process, control group, exporter and device.

use super::snapshot::{By, Hold, Snapshot};
use super::sum::{part_of, sums, Part, Sum};
use std::collections::BTreeMap;
use std::ops::Range;

/// A process and a buffer that it holds, in whatever ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Place of the process.
    pub process: u32,
    /// Its part of the buffer's bytes.
    pub share: u64,
    /// The ways, in [`Ledger::holds`].
    pub holds: Range<usize>,
}

/// A named group and its sum; one without a name is of buffers that belong to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: Option<String>,
    /// What its buffers come to.
    pub sum: Sum,
}

/// The books.
#[derive(Debug, Default)]
pub struct Ledger {
    /// All ways in which buffers are held, by buffer, then by process.
    pub holds: Vec<Hold>,
    /// All holders, by buffer.
    holders: Vec<Holder>,
    /// Where in them those of each buffer begin; one more says where the last end.
    begins: Vec<usize>,
    /// All buffers.
    pub total: Sum,
    /// What no process holds that could be seen: importers in the kernel do, or processes that could not be seen.
    pub nobody: Sum,
    /// For each process its sum.
    pub processes: Vec<Sum>,
    /// For each process how many descriptors it has, and how many bytes it has mapped.
    pub ways: Vec<(u64, u64)>,
    /// By control group.
    pub cgroups: Vec<Group>,
    /// By exporter.
    pub exporters: Vec<Group>,
    /// By attached device.
    pub devices: Vec<Group>,
}

impl Ledger {
    /// The books of a look.
    pub fn of(seen: &Snapshot) -> Ledger {
        let mut ledger = Ledger {
            holds: seen.holds.clone(),
            ..Ledger::default()
        };
        ledger.find_holders(seen);
        let bytes_of = |buffer: u32| seen.buffers[buffer as usize].bytes();
        let mut parts = Vec::with_capacity(ledger.holds.len());
        let nobody = place(seen.processes.len());
        for (at, buffer) in (0..seen.buffers.len()).zip(0u32..) {
            let holders = ledger.holders_of(at);
            parts.extend(holders.iter().map(|&Holder { process, share, .. }| Part {
                buffer,
                group: process,
                share,
            }));
            if holders.is_empty() {
                parts.push(Part {
                    buffer,
                    group: nobody,
                    share: bytes_of(buffer),
                });
            }
        }
        ledger.cgroups = by_name(
            seen,
            parts.iter().map(|part| {
                let process = seen.processes.get(part.group as usize);
                (
                    part.buffer,
                    process.map(|process| process.cgroup.as_str()),
                    part.share,
                )
            }),
        );
        ledger.processes = sums(parts, seen.processes.len() + 1, bytes_of);
        ledger.nobody = ledger.processes.pop().unwrap_or_default();
        ledger.ways = ways(seen);
        let buffers = || (0u32..).zip(&seen.buffers);
        ledger.exporters = by_name(
            seen,
            buffers().map(|(at, buffer)| {
                let exporter = (!buffer.exporter.is_empty()).then_some(buffer.exporter.as_str());
                (at, exporter, buffer.bytes())
            }),
        );
        ledger.devices = by_name(
            seen,
            buffers().flat_map(|(at, buffer)| {
                let (bytes, among) = (buffer.bytes(), buffer.attachments.len() as u64);
                let none = (among == 0).then_some((at, None, bytes));
                let some = (0u64..).zip(&buffer.attachments);
                some.map(move |(nth, device)| {
                    (at, Some(device.as_str()), part_of(bytes, among, nth))
                })
                .chain(none)
            }),
        );
        let all = buffers().map(|(buffer, it)| Part {
            buffer,
            group: 0,
            share: it.bytes(),
        });
        ledger.total = sums(all.collect(), 1, bytes_of).pop().unwrap_or_default();
        ledger
    }

    /// The holders of the buffer in this place.
    pub fn holders_of(&self, buffer: usize) -> &[Holder] {
        match self.begins.get(buffer..buffer + 2) {
            Some(&[begin, end]) => &self.holders[begin..end],
            _ => &[],
        }
    }

    fn find_holders(&mut self, seen: &Snapshot) {
        // stable: descriptors and mappings stay as the kernel lists them
        self.holds
            .sort_by_key(|hold| (u64::from(hold.buffer) << 32) | u64::from(hold.process));
        let key = |hold: &Hold| (hold.buffer, hold.process);
        let mut holds = self
            .holds
            .chunk_by(|one, other| key(one) == key(other))
            .peekable();
        let mut at = 0;
        for (place, buffer) in (0u32..).zip(&seen.buffers) {
            let begin = self.holders.len();
            self.begins.push(begin);
            while let Some(same) = holds.next_if(|same| same[0].buffer == place) {
                let process = same[0].process;
                self.holders.push(Holder {
                    process,
                    share: 0,
                    holds: at..at + same.len(),
                });
                at += same.len();
            }
            let holders = &mut self.holders[begin..];
            let among = holders.len() as u64;
            for (nth, holder) in (0u64..).zip(holders) {
                holder.share = part_of(buffer.bytes(), among, nth);
            }
        }
        self.begins.push(self.holders.len());
    }
}

fn place(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn ways(seen: &Snapshot) -> Vec<(u64, u64)> {
    let mut ways = vec![(0u64, 0u64); seen.processes.len()];
    for hold in &seen.holds {
        let (descriptors, mapped) = &mut ways[hold.process as usize];
        match hold.by {
            By::Descriptor(_) => *descriptors += 1,
            By::Mapping(map) => *mapped = mapped.saturating_add(map.end.saturating_sub(map.start)),
        }
    }
    ways
}

/// Sums by name, of buffers with a name and a part each; those without a name come last.
fn by_name<'a>(
    seen: &'a Snapshot,
    named: impl Iterator<Item = (u32, Option<&'a str>, u64)>,
) -> Vec<Group> {
    let mut places: BTreeMap<(bool, &str), u32> = BTreeMap::new();
    let parts: Vec<Part> = named
        .map(|(buffer, name, share)| {
            let next = place(places.len());
            let key = (name.is_none(), name.unwrap_or_default());
            Part {
                buffer,
                group: *places.entry(key).or_insert(next),
                share,
            }
        })
        .collect();
    let sums = sums(parts, places.len(), |buffer| {
        seen.buffers[buffer as usize].bytes()
    });
    places
        .into_iter()
        .map(|((unnamed, name), at)| Group {
            name: (!unnamed).then(|| name.to_owned()),
            sum: sums[at as usize],
        })
        .collect()
}
