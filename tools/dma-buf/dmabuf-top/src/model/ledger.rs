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
    /// For each buffer its holders.
    pub holders: Vec<Vec<Holder>>,
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
        for (buffer, holders) in (0u32..).zip(&ledger.holders) {
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

    fn find_holders(&mut self, seen: &Snapshot) {
        // stable: descriptors and mappings stay as the kernel lists them
        self.holds.sort_by_key(|hold| (hold.buffer, hold.process));
        self.holders = vec![Vec::new(); seen.buffers.len()];
        let mut at = 0;
        for same in self
            .holds
            .chunk_by(|one, other| (one.buffer, one.process) == (other.buffer, other.process))
        {
            let Hold {
                process, buffer, ..
            } = same[0];
            self.holders[buffer as usize].push(Holder {
                process,
                share: 0,
                holds: at..at + same.len(),
            });
            at += same.len();
        }
        for (holders, buffer) in self.holders.iter_mut().zip(&seen.buffers) {
            let among = holders.len() as u64;
            for (nth, holder) in (0u64..).zip(holders) {
                holder.share = part_of(buffer.bytes(), among, nth);
            }
        }
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
