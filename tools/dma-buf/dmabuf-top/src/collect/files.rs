// SPDX-License-Identifier: GPL-2.0

//! Reading with memory that is used again.

use rustix::fs::{openat, readlinkat, Mode, OFlags};
use rustix::io::{read, Errno};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Enough for most files of procfs at once.
const FIRST: usize = 16 * 1024;

/// For directories, which are read with room for many entries at a time.
pub const ENTRIES: usize = 32 * 1024;

/// Memory for a directory's entries.
pub type Entries = Vec<MaybeUninit<u8>>;

/// Memory for all that is read.
#[derive(Default)]
pub struct Scratch {
    /// The text of a file.
    pub text: Vec<u8>,
    /// Where a link leads.
    pub link: Vec<u8>,
    /// The entries of the root.
    pub processes: Entries,
    /// The entries of a process.
    pub descriptors: Entries,
}

/// Room for entries, made once.
pub fn room(entries: &mut Entries) -> &mut [MaybeUninit<u8>] {
    entries.resize(ENTRIES, MaybeUninit::uninit());
    entries
}

/// A directory, to read its entries and what is below it.
pub fn open_directory(at: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    openat(
        at,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// A directory of any path.
pub fn open_root(path: &Path) -> Result<OwnedFd, Errno> {
    openat(
        rustix::fs::CWD,
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Where a link leads; the same memory each time.
pub fn link_at<'a>(at: impl AsFd, name: &CStr, memory: &'a mut Vec<u8>) -> Result<&'a [u8], Errno> {
    *memory = readlinkat(at, name, std::mem::take(memory))?.into_bytes();
    Ok(memory)
}

/// The whole of a file.
pub fn text_at<'a>(at: impl AsFd, name: &CStr, memory: &'a mut Vec<u8>) -> Result<&'a [u8], Errno> {
    let file = openat(at, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let filled = fill(&file, memory, usize::MAX)?;
    Ok(&memory[..filled])
}

/// A file that the kernel makes at once, and that is shorter than a page: one read is all of it.
pub fn line_at<'a>(at: impl AsFd, name: &CStr, memory: &'a mut Vec<u8>) -> Result<&'a [u8], Errno> {
    let file = openat(at, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let filled = fill(&file, memory, 1)?;
    Ok(&memory[..filled])
}

/// The whole of a file of any path.
pub fn text_of<'a>(path: &Path, memory: &'a mut Vec<u8>) -> Result<&'a [u8], Errno> {
    let file = openat(
        rustix::fs::CWD,
        path,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let filled = fill(&file, memory, usize::MAX)?;
    Ok(&memory[..filled])
}

/// Reads up to so many times, or to the end.
fn fill(file: &OwnedFd, memory: &mut Vec<u8>, times: usize) -> Result<usize, Errno> {
    if memory.len() < FIRST {
        memory.resize(FIRST, 0);
    }
    let mut filled = 0;
    for _ in 0..times {
        if filled == memory.len() {
            memory.resize(filled * 2, 0);
        }
        match read(file, &mut memory[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Not there any more.
pub fn gone(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::SRCH | Errno::NOTDIR)
}

/// Not for us.
pub fn denied(error: Errno) -> bool {
    matches!(error, Errno::ACCESS | Errno::PERM)
}
