// SPDX-License-Identifier: GPL-2.0

//! Puts what comes from many files together: each buffer and each client once, by its number.

use super::number::NumberMap;
use super::snapshot::{Buffer, By, DrmClient, Hold, Mapping, Process, Snapshot, Unseen};
use crate::parse::{bufinfo, drm, fdinfo, iterator, maps, text};
use std::collections::HashSet;

/// A look that is not finished.
#[derive(Default)]
pub struct Builder {
    found: Snapshot,
    places: NumberMap<u64, u32>,
    clients: HashSet<(String, String, u64)>,
}

fn place(length: usize) -> u32 {
    // there are no 2^32 of anything here: each takes memory of the kernel
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Builder {
    fn buffer(&mut self, ino: u64) -> (u32, &mut Buffer) {
        let buffers = &mut self.found.buffers;
        let at = *self.places.entry(ino).or_insert_with(|| {
            buffers.push(Buffer {
                ino,
                ..Buffer::default()
            });
            place(buffers.len() - 1)
        });
        (at, &mut buffers[at as usize])
    }

    /// The process whose files come next; its name is told by [`Builder::name_process`] when it has any of interest.
    pub fn start_process(&mut self, pid: u32) {
        self.found.processes.push(Process {
            pid,
            ..Process::default()
        });
    }

    fn current(&self) -> u32 {
        place(self.found.processes.len().saturating_sub(1))
    }

    /// Whether the process holds something.
    pub fn process_counts(&self) -> bool {
        let current = self.current();
        self.found
            .holds
            .last()
            .is_some_and(|hold| hold.process == current)
            || self
                .found
                .clients
                .last()
                .is_some_and(|client| client.process == current)
    }

    /// Who the process is.
    pub fn name_process(&mut self, name: &[u8], started: u64, cgroup: &[u8]) {
        if let Some(process) = self.found.processes.last_mut() {
            process.name = text(name);
            process.started = started;
            process.cgroup = text(cgroup);
        }
    }

    /// The process has nothing, or is gone.
    pub fn drop_process(&mut self) {
        let current = self.current();
        while self
            .found
            .holds
            .last()
            .is_some_and(|hold| hold.process == current)
        {
            self.found.holds.pop();
        }
        while self
            .found
            .clients
            .last()
            .is_some_and(|client| client.process == current)
        {
            if let Some(DrmClient { client, .. }) = self.found.clients.pop() {
                self.clients
                    .remove(&(client.driver, client.device, client.id));
            }
        }
        self.found.processes.pop();
    }

    /// The process has a descriptor of a buffer.
    pub fn descriptor(&mut self, descriptor: u32, ino: u64, info: &fdinfo::BufferInfo<'_>) {
        let process = self.current();
        let (at, buffer) = self.buffer(ino);
        if buffer.size.is_none() {
            buffer.size = Some(info.size);
            buffer.exporter = text(info.exporter);
        }
        // these change: the latest counts
        buffer.references = info.references.or(buffer.references);
        if buffer.name.as_bytes() != info.name {
            buffer.name = text(info.name);
        }
        self.found.holds.push(Hold {
            process,
            buffer: at,
            by: By::Descriptor(descriptor),
        });
    }

    /// The process has a mapping of a buffer.
    pub fn mapping(&mut self, info: &maps::MappingInfo<'_>) {
        let process = self.current();
        let (at, buffer) = self.buffer(info.ino);
        let length = info.end.saturating_sub(info.start);
        buffer.mapped_up_to = buffer.mapped_up_to.max(info.offset.saturating_add(length));
        if buffer.name.is_empty() && !info.name.is_empty() {
            buffer.name = text(&maps::unescape(info.name));
        }
        let &maps::MappingInfo {
            start,
            end,
            offset,
            permissions,
            ..
        } = info;
        let by = By::Mapping(Mapping {
            start,
            end,
            offset,
            permissions,
        });
        self.found.holds.push(Hold {
            process,
            buffer: at,
            by,
        });
    }

    /// The process is a client of a GPU; one that others have, too, counts once.
    pub fn client(&mut self, client: drm::Client) {
        if self
            .clients
            .insert((client.driver.clone(), client.device.clone(), client.id))
        {
            let process = self.current();
            self.found.clients.push(DrmClient { process, client });
        }
    }

    /// The list of debugfs.
    pub fn bufinfo(&mut self, all: &[u8]) {
        let known: NumberMap<u64, String> = self
            .found
            .buffers
            .iter()
            .filter(|buffer| buffer.name.contains('\n'))
            .map(|buffer| (buffer.ino, buffer.name.clone()))
            .collect();
        for entry in bufinfo::entries(all, |ino| known.get(&ino).map(|name| name.as_bytes())) {
            let (_, buffer) = self.buffer(entry.ino);
            if buffer.size.is_none() {
                buffer.size = Some(entry.size);
                buffer.exporter = text(entry.exporter);
            }
            if buffer.references.is_none() {
                buffer.references = Some(entry.references);
            }
            if buffer.name.is_empty() {
                buffer.name = text(entry.name);
            }
            buffer.attachments = entry.attachments;
            buffer.attachments.sort();
            buffer.attachments.dedup();
            buffer.fences = entry.fences;
        }
    }

    /// What a BPF iterator or sysfs tells of a buffer; what is known already counts more.
    pub fn listed(&mut self, entry: &iterator::Entry<'_>) {
        let (_, buffer) = self.buffer(entry.ino);
        if buffer.size.is_none() {
            buffer.size = Some(entry.size);
            buffer.exporter = text(entry.exporter);
        }
        if buffer.name.is_empty() {
            buffer.name = text(entry.name);
        }
    }

    /// Something could not be seen.
    pub fn unseen(&mut self, what: &str, processes: Option<u64>, why: &str) {
        self.found.unseen.push(Unseen {
            what: what.into(),
            processes,
            why: why.into(),
        });
    }

    /// The look is finished.
    pub fn finish(self) -> Snapshot {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &[u8]) -> fdinfo::BufferInfo<'_> {
        fdinfo::BufferInfo {
            ino: Some(7),
            size: 4096,
            references: Some(2),
            exporter: b"system",
            name,
        }
    }

    fn map(ino: u64, offset: u64) -> maps::MappingInfo<'static> {
        maps::MappingInfo {
            start: 0x1000,
            end: 0x3000,
            offset,
            permissions: *b"rw-s",
            ino,
            name: b"a\\012b",
        }
    }

    #[test]
    fn a_buffer_seen_from_all_sides_is_one() {
        let mut builder = Builder::default();
        builder.start_process(1);
        builder.descriptor(3, 7, &info(b""));
        builder.descriptor(4, 7, &info(b"a\nb"));
        builder.start_process(2);
        builder.mapping(&map(7, 0));
        builder.mapping(&map(8, 0x1000));
        builder.bufinfo(
            b"00004096\t00000002\t00080007\t00000003\tsystem\t00000007\ta\nb\n\tAttached Devices:\n\tgpu\n\tgpu\n\
              Total 2 devices attached\n\n00008192\t00000002\t00080007\t00000001\tudmabuf\t00000009\t<none>\n",
        );
        builder.listed(&iterator::Entry {
            ino: 7,
            size: 1,
            name: b"a b",
            exporter: b"x",
        });
        let found = builder.finish();
        assert_eq!(
            found
                .buffers
                .iter()
                .map(|buffer| buffer.ino)
                .collect::<Vec<_>>(),
            [7, 8, 9]
        );
        let first = &found.buffers[0];
        assert_eq!(
            (first.size, first.name.as_str(), first.exporter.as_str()),
            (Some(4096), "a\nb", "system")
        );
        assert_eq!(first.attachments, ["gpu"]);
        assert_eq!(found.holds.len(), 4);
        // of this one only a part of it was seen
        assert_eq!(
            (found.buffers[1].size, found.buffers[1].bytes()),
            (None, 0x3000)
        );
        assert_eq!(
            (found.buffers[2].size, found.buffers[2].name.as_str()),
            (Some(8192), "")
        );
    }

    #[test]
    fn a_process_that_is_gone_leaves_no_hold() {
        let mut builder = Builder::default();
        builder.start_process(1);
        builder.descriptor(3, 7, &info(b""));
        assert!(builder.process_counts());
        builder.start_process(2);
        assert!(!builder.process_counts());
        builder.descriptor(3, 7, &info(b""));
        builder.client(drm::Client {
            driver: "gpu".into(),
            id: 1,
            ..Default::default()
        });
        builder.drop_process();
        builder.start_process(3);
        builder.client(drm::Client {
            driver: "gpu".into(),
            id: 1,
            ..Default::default()
        });
        builder.client(drm::Client {
            driver: "gpu".into(),
            id: 1,
            ..Default::default()
        });
        let found = builder.finish();
        assert_eq!(
            (
                found.processes.len(),
                found.holds.len(),
                found.clients.len()
            ),
            (2, 1, 1)
        );
        assert_eq!(found.clients[0].process, 1);
    }
}
