// SPDX-License-Identifier: GPL-2.0

//! Goes through procfs: the descriptors and mappings of each process.

use super::files::{
    denied, gone, line_at, link_at, open_directory, open_root, room, text_at, Scratch,
};
use super::Places;
use crate::model::builder::Builder;
use crate::parse::{drm, fdinfo, maps, process, LINK};
use memchr::memmem::Finder;
use rustix::fs::{openat, statat, AtFlags, Mode, OFlags, RawDir};
use rustix::io::Errno;
use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;

/// What may not be seen, counted.
#[derive(Default)]
struct Denied {
    descriptors: u64,
    maps: u64,
    /// Whether the first process is there: procfs may hide those of others.
    first: bool,
}

/// All processes that there are.
pub fn read(places: &Places, scratch: &mut Scratch, builder: &mut Builder) -> io::Result<()> {
    let root = open_root(&places.proc)?;
    let mut count = Denied::default();
    let finder = places.maps.then(maps::finder);
    // taken out, so that the rest can be lent
    let mut memory = std::mem::take(&mut scratch.processes);
    let mut entries = RawDir::new(&root, room(&mut memory));
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        let Some(pid) = number(name) else { continue };
        count.first |= pid == 1;
        builder.start_process(pid);
        match read_process(&root, name, finder.as_ref(), scratch, builder, &mut count) {
            Ok(true) => {}
            Ok(false) => builder.drop_process(),
            Err(error) if gone(error) => builder.drop_process(),
            Err(error) => {
                builder.drop_process();
                builder.unseen(&format!("process {pid}"), None, &error.to_string());
            }
        }
    }
    scratch.processes = memory;
    tell(&count, builder);
    Ok(())
}

fn tell(count: &Denied, builder: &mut Builder) {
    const HELP: &str = "not permitted: run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH";
    if count.descriptors > 0 {
        builder.unseen("descriptors", Some(count.descriptors), HELP);
    }
    if count.maps > 0 {
        builder.unseen("mappings", Some(count.maps), HELP);
    }
    if !count.first {
        builder.unseen(
            "processes of others",
            None,
            "procfs hides them (hidepid), or this is a container's",
        );
    }
}

fn number(name: &CStr) -> Option<u32> {
    std::str::from_utf8(name.to_bytes()).ok()?.parse().ok()
}

/// Whether the process is of interest. An error is about the process as a whole.
fn read_process(
    root: &OwnedFd,
    name: &CStr,
    finder: Option<&Finder<'_>>,
    scratch: &mut Scratch,
    builder: &mut Builder,
    count: &mut Denied,
) -> Result<bool, Errno> {
    let process = openat(
        root,
        name,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    match read_descriptors(&process, scratch, builder) {
        Err(error) if denied(error) => count.descriptors += 1,
        other => other?,
    }
    if let Some(finder) = finder {
        match text_at(&process, c"maps", &mut scratch.text) {
            Ok(text) => maps::buffers(finder, text).for_each(|map| builder.mapping(&map)),
            Err(error) if denied(error) => count.maps += 1,
            // a process of the kernel, or one that is ending
            Err(error) if gone(error) => {}
            Err(error) => return Err(error),
        }
    }
    if !builder.process_counts() {
        return Ok(false);
    }
    let stat = line_at(&process, c"stat", &mut scratch.text)?;
    let (title, started) =
        process::stat(stat).map_or((Vec::new(), 0), |(name, started)| (name.to_vec(), started));
    // a kernel without control groups has no such file
    let group = line_at(&process, c"cgroup", &mut scratch.text).unwrap_or_default();
    builder.name_process(&title, started, process::cgroup(group).unwrap_or_default());
    Ok(true)
}

fn read_descriptors(
    process: &OwnedFd,
    scratch: &mut Scratch,
    builder: &mut Builder,
) -> Result<(), Errno> {
    let directory = open_directory(process, c"fd")?;
    // opened when the first descriptor of interest is there, which most processes have not
    let mut infos: Option<OwnedFd> = None;
    let Scratch {
        text,
        link,
        descriptors,
        ..
    } = scratch;
    let mut entries = RawDir::new(&directory, room(descriptors));
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        let Some(descriptor) = number(name) else {
            continue;
        };
        // closed meanwhile
        let Ok(link) = link_at(&directory, name, link) else {
            continue;
        };
        let is_buffer = link.starts_with(LINK);
        if !is_buffer && !link.starts_with(b"/dev/dri/") {
            continue;
        }
        let infos = match &mut infos {
            Some(infos) => infos,
            none => none.insert(open_directory(process, c"fdinfo")?),
        };
        let Ok(text) = line_at(&*infos, name, text) else {
            continue;
        };
        if !is_buffer {
            if let Some(client) = drm::client(text) {
                builder.client(client);
            }
        } else if let Some(info) = fdinfo::buffer(text) {
            let number = || {
                statat(&directory, name, AtFlags::empty())
                    .ok()
                    .map(|stat| stat.st_ino)
            };
            if let Some(ino) = info.ino.or_else(number) {
                builder.descriptor(descriptor, ino, &info);
            }
        }
    }
    Ok(())
}
