// SPDX-License-Identifier: GPL-2.0

//! Reads what the kernel shows, below roots that can be chosen. What vanishes while it is read was not there; what may not be
//! read is told.

mod files;
mod lists;
mod processes;

use crate::model::builder::Builder;
use crate::model::snapshot::Snapshot;
use std::io;
use std::path::PathBuf;

/// Where to read, and what.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where procfs is mounted.
    pub proc: PathBuf,
    /// Where debugfs is mounted.
    pub debugfs: PathBuf,
    /// Where sysfs is mounted.
    pub sysfs: PathBuf,
    /// A pinned BPF iterator over the buffers.
    pub iterator: Option<PathBuf>,
    /// Whether mappings count, which takes longer.
    pub maps: bool,
}

impl Default for Places {
    fn default() -> Places {
        Places {
            proc: "/proc".into(),
            debugfs: "/sys/kernel/debug".into(),
            sysfs: "/sys".into(),
            iterator: None,
            maps: true,
        }
    }
}

/// Reads again and again with the same memory.
pub struct Collector {
    places: Places,
    scratch: files::Scratch,
}

impl Collector {
    /// For these places.
    pub fn new(places: Places) -> Collector {
        Collector {
            places,
            scratch: files::Scratch::default(),
        }
    }

    /// One look. It fails only when there is no procfs.
    pub fn look(&mut self) -> io::Result<Snapshot> {
        let mut builder = Builder::default();
        processes::read(&self.places, &mut self.scratch, &mut builder).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("{}: {error}", self.places.proc.display()),
            )
        })?;
        lists::read(&self.places, &mut self.scratch, &mut builder);
        Ok(builder.finish())
    }
}
