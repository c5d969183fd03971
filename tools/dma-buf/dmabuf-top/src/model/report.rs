// SPDX-License-Identifier: GPL-2.0

//! What all views show, in one structure: JSON is this and nothing else.

use super::history::{Growth, History, Key};
use super::holders::Holders;
use super::ledger::{Group, Ledger};
use super::snapshot::{Snapshot, Unseen};
use super::sum::Sum;
use crate::parse::bufinfo::Fence;
use crate::parse::drm::Region;
use serde::Serialize;
use std::time::Duration;

/// One look with its books and what earlier looks say to it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// Of this form; it is raised when something means something else than before.
    pub version: u32,
    /// Seconds since 1970.
    pub time: f64,
    /// All buffers.
    pub total: Sum,
    /// What no process holds that could be seen.
    pub nobody: Sum,
    /// What could not be seen.
    pub unseen: &'a [Unseen],
    /// Buffer by buffer.
    pub buffers: Vec<BufferRow<'a>>,
    /// Process by process; with what nobody holds they add up to the total.
    pub processes: Vec<ProcessRow<'a>>,
    /// By control group.
    pub cgroups: Vec<GroupRow<'a>>,
    /// By exporter.
    pub exporters: Vec<GroupRow<'a>>,
    /// By attached device.
    pub devices: Vec<GroupRow<'a>>,
    /// What DRM drivers say of their clients' memory.
    pub drm: Vec<DrmRow<'a>>,
}

/// A buffer.
#[derive(Debug, Serialize)]
pub struct BufferRow<'a> {
    /// Its number.
    pub ino: u64,
    /// Bytes, or the least that it can have.
    pub size: u64,
    /// Whether the size is known.
    pub exact: bool,
    /// As user space has named it.
    pub name: &'a str,
    /// Who made it.
    pub exporter: &'a str,
    /// References to its file.
    pub references: Option<u64>,
    /// Whether it was not there at the last look.
    pub new: bool,
    /// Who holds it.
    pub holders: Holders<'a>,
    /// What is attached to it.
    pub attachments: &'a [String],
    /// The fences in it.
    pub fences: Vec<FenceRow<'a>>,
}

/// A fence of a buffer.
#[derive(Debug, Serialize)]
pub struct FenceRow<'a> {
    /// What the kernel says.
    #[serde(flatten)]
    pub fence: &'a Fence,
    /// For how many seconds at least it has been pending: since this program first saw it.
    pub pending_for: Option<f64>,
}

/// A process and what it holds.
#[derive(Debug, Serialize)]
pub struct ProcessRow<'a> {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub process: &'a str,
    /// Its control group.
    pub cgroup: &'a str,
    /// What its buffers come to.
    #[serde(flatten)]
    pub sum: Sum,
    /// How many descriptors of buffers it has.
    pub descriptors: u64,
    /// How many bytes of buffers it has mapped.
    pub mapped: u64,
    /// More bytes than at the last look.
    pub change: Option<i64>,
    /// How it grows, if it only grows.
    pub growth: Option<Growth>,
}

/// A control group, an exporter or a device.
#[derive(Debug, Serialize)]
pub struct GroupRow<'a> {
    /// Its name; none for the buffers that belong to none.
    pub name: Option<&'a str>,
    /// What its buffers come to.
    #[serde(flatten)]
    pub sum: Sum,
    /// More bytes than at the last look.
    pub change: Option<i64>,
    /// How it grows, if it only grows.
    pub growth: Option<Growth>,
}

/// A client of a GPU.
#[derive(Debug, Serialize)]
pub struct DrmRow<'a> {
    /// The driver.
    pub driver: &'a str,
    /// Where the device sits.
    pub device: &'a str,
    /// The number of the client.
    pub client: u64,
    /// The first process that was seen with it.
    pub pid: u32,
    /// Its name.
    pub process: &'a str,
    /// Memory, by region.
    pub regions: &'a [Region],
}

impl<'a> Report<'a> {
    /// Puts it together. `now` is a clock that only goes forward, `time` counts seconds since 1970.
    pub fn new(
        seen: &'a Snapshot,
        books: &'a Ledger,
        history: &mut History,
        now: Duration,
        time: f64,
    ) -> Report<'a> {
        history.begin(now);
        let report = Report {
            version: 1,
            time,
            total: books.total,
            nobody: books.nobody,
            unseen: &seen.unseen,
            buffers: buffers(seen, books, history),
            processes: processes(seen, books, history),
            cgroups: groups(&books.cgroups, history, Key::Cgroup),
            exporters: groups(&books.exporters, history, Key::Exporter),
            devices: groups(&books.devices, history, Key::Device),
            drm: clients(seen),
        };
        history.end();
        report
    }

    /// Whether some process, control group or exporter only grows.
    pub fn grows(&self) -> bool {
        let groups = self.cgroups.iter().chain(&self.exporters);
        groups
            .map(|row| &row.growth)
            .chain(self.processes.iter().map(|row| &row.growth))
            .any(Option::is_some)
    }
}

fn buffers<'a>(seen: &'a Snapshot, books: &'a Ledger, history: &mut History) -> Vec<BufferRow<'a>> {
    let rows = seen
        .buffers
        .iter()
        .enumerate()
        .map(|(at, buffer)| BufferRow {
            ino: buffer.ino,
            size: buffer.bytes(),
            exact: buffer.size.is_some(),
            name: &buffer.name,
            exporter: &buffer.exporter,
            references: buffer.references,
            new: history.is_new(buffer.ino),
            holders: Holders::of(seen, books, at),
            attachments: &buffer.attachments,
            fences: buffer
                .fences
                .iter()
                .map(|fence| FenceRow {
                    fence,
                    pending_for: history.pending(fence).map(|time| time.as_secs_f64()),
                })
                .collect(),
        });
    rows.collect()
}

fn processes<'a>(
    seen: &'a Snapshot,
    books: &'a Ledger,
    history: &mut History,
) -> Vec<ProcessRow<'a>> {
    let rows = seen.processes.iter().zip(&books.processes).zip(&books.ways);
    // who is here as a client of a GPU only has no buffers
    rows.filter(|((_, sum), _)| sum.buffers > 0)
        .map(|((process, &sum), &(descriptors, mapped))| {
            let (change, growth) =
                history.bytes(Key::Process(process.pid, process.started), sum.bytes);
            ProcessRow {
                pid: process.pid,
                process: &process.name,
                cgroup: &process.cgroup,
                sum,
                descriptors,
                mapped,
                change,
                growth,
            }
        })
        .collect()
}

fn groups<'a>(
    groups: &'a [Group],
    history: &mut History,
    key: fn(Option<String>) -> Key,
) -> Vec<GroupRow<'a>> {
    groups
        .iter()
        .map(|group| {
            let (change, growth) = history.bytes(key(group.name.clone()), group.sum.bytes);
            GroupRow {
                name: group.name.as_deref(),
                sum: group.sum,
                change,
                growth,
            }
        })
        .collect()
}

fn clients(seen: &Snapshot) -> Vec<DrmRow<'_>> {
    let rows = seen.clients.iter().map(|found| {
        let process = &seen.processes[found.process as usize];
        let client = &found.client;
        DrmRow {
            driver: &client.driver,
            device: &client.device,
            client: client.id,
            pid: process.pid,
            process: &process.name,
            regions: &client.regions,
        }
    });
    rows.collect()
}
