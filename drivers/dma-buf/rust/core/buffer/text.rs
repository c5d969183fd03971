// SPDX-License-Identifier: GPL-2.0

//! Printing of buffers. C does it, which leaves the bytes of names alone.

use core::mem::take;
use kernel::{
    fs::show::print,
    interop::printf::Format,
    prelude::*,
    seq_file::SeqFile, //
};

/// What is printed of a buffer.
pub(super) struct Facts<'a> {
    pub(super) size: usize,
    pub(super) users: c_long,
    pub(super) exporter: &'a CStr,
    pub(super) name: Option<&'a CStr>,
}

/// Writes `parts`, which are not long, to the end of `buffer`, where paths are built. Fails with
/// `ENAMETOOLONG`.
#[inline(always)]
pub(super) fn put_at_end<'a>(buffer: &'a mut [u8], parts: [&[u8]; 4]) -> Result<&'a mut [u8]> {
    // Where they are too long to be counted, too, there is no room for one of them.
    let len = parts
        .iter()
        .fold(0usize, |sum, part| sum.wrapping_add(part.len()));
    let start = buffer.len().checked_sub(len).ok_or(ENAMETOOLONG)?;
    let path = buffer.get_mut(start..).ok_or(ENAMETOOLONG)?;
    let mut rest = &mut *path;

    for part in parts {
        let (room, behind) = take(&mut rest)
            .split_at_mut_checked(part.len())
            .ok_or(ENAMETOOLONG)?;

        room.copy_from_slice(part);
        rest = behind;
    }
    Ok(path)
}

/// Prints the lines of `/proc/PID/fdinfo/`.
#[inline(always)]
pub(super) fn print_lines(m: &SeqFile, facts: &Facts<'_>) {
    const LINES: Format<(usize, c_long, &CStr)> =
        Format::new(c"size:\t%zu\ncount:\t%ld\nexp_name:\t%s\n");

    LINES.print(m, (facts.size, facts.users, facts.exporter));
    if let Some(name) = facts.name {
        print(m, c"name:\t");
        print(m, name);
        print(m, c"\n");
    }
}

/// Prints the line of bufinfo, with the flags, the mode and the inode of the file.
#[cfg(CONFIG_DEBUG_FS)]
#[inline(always)]
pub(super) fn print_line(m: &SeqFile, facts: &Facts<'_>, (flags, mode, ino): (u32, u32, u64)) {
    const LINE: Format<(usize, u32, u32, c_long, &CStr, u64, &CStr)> =
        Format::new(c"%08zu\t%08x\t%08x\t%08ld\t%s\t%08llu\t%s\n");

    LINE.print(
        m,
        (
            facts.size,
            flags,
            mode,
            facts.users,
            facts.exporter,
            ino,
            facts.name.unwrap_or(c"<none>"),
        ),
    );
}

/// Prints what is behind the devices of a buffer.
#[cfg(CONFIG_DEBUG_FS)]
#[inline(always)]
pub(super) fn print_devices(m: &SeqFile, devices: usize) {
    const LINE: Format<(usize,)> = Format::new(c"Total %zu devices attached\n\n");

    LINE.print(m, (devices,));
}

/// Prints the last line of bufinfo.
#[cfg(CONFIG_DEBUG_FS)]
#[inline(always)]
pub(super) fn print_total(m: &SeqFile, count: usize, bytes: usize) {
    const LINE: Format<(usize, usize)> = Format::new(c"\nTotal %zu objects, %zu bytes\n");

    LINE.print(m, (count, bytes));
}
