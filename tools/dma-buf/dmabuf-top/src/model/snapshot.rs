// SPDX-License-Identifier: GPL-2.0

//! One look at the whole system, as it was read.

use crate::parse::bufinfo::Fence;
use crate::parse::drm::Client;
use serde::Serialize;

/// A buffer, whoever told of it.
#[derive(Debug, Default, Clone)]
pub struct Buffer {
    /// Its number, which is its identity.
    pub ino: u64,
    /// Bytes; `None` when only mappings of it were seen and they do not say it.
    pub size: Option<u64>,
    /// The least that it can have: where the farthest mapping ends.
    pub mapped_up_to: u64,
    /// Who made it; nothing if that is unknown.
    pub exporter: String,
    /// As user space has named it.
    pub name: String,
    /// References to its file, if they were told.
    pub references: Option<u64>,
    /// Devices attached to it, each once.
    pub attachments: Vec<String>,
    /// Fences left in it.
    pub fences: Vec<Fence>,
}

impl Buffer {
    /// What it counts as: its size, or the least that it can have.
    pub fn bytes(&self) -> u64 {
        self.size.unwrap_or(self.mapped_up_to)
    }
}

/// A process that holds buffers or is a client of a GPU.
#[derive(Debug, Default, Clone)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it was started, in ticks since boot: numbers are used again.
    pub started: u64,
    /// Its name.
    pub name: String,
    /// Its control group.
    pub cgroup: String,
}

/// One way in which a process holds a buffer. The numbers are places in [`Snapshot::processes`] and [`Snapshot::buffers`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub process: u32,
    /// What.
    pub buffer: u32,
    /// By what.
    pub by: By,
}

/// What keeps a buffer alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A descriptor of this number.
    Descriptor(u32),
    /// A mapping.
    Mapping(Mapping),
}

/// A mapping of a buffer in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// Where in the buffer it begins.
    pub offset: u64,
    /// `rwxs`, or `-` for what it has not, `p` for private.
    pub permissions: [u8; 4],
}

/// A client of a GPU, and the process it was seen in first.
#[derive(Debug, Clone)]
pub struct DrmClient {
    /// A place in [`Snapshot::processes`].
    pub process: u32,
    /// What the driver says.
    pub client: Client,
}

/// Something that could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// What is missing from the picture.
    pub what: String,
    /// Of how many processes, if it is about processes.
    pub processes: Option<u64>,
    /// Why, and what helps.
    pub why: String,
}

/// One look.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Those who hold something.
    pub processes: Vec<Process>,
    /// Each buffer once.
    pub buffers: Vec<Buffer>,
    /// Who holds what by what.
    pub holds: Vec<Hold>,
    /// Each client of a GPU once.
    pub clients: Vec<DrmClient>,
    /// What is missing.
    pub unseen: Vec<Unseen>,
}
