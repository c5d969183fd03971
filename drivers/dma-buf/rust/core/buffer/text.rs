// SPDX-License-Identifier: GPL-2.0

//! Printing of buffers. C does it, which leaves the bytes of names alone.

use kernel::{
    bindings,
    interop::export::Wrapper,
    prelude::*,
    seq_file::SeqFile, //
};

/// Prints a string.
pub(super) fn print(m: &SeqFile, text: &CStr) {
    // SAFETY: Both are valid, and a string is as long as it says.
    unsafe { bindings::seq_write(m.as_c(), text.as_char_ptr().cast(), text.count_bytes()) };
}

/// What is printed of a buffer.
pub(super) struct Facts<'a> {
    pub(super) size: usize,
    pub(super) users: c_long,
    pub(super) exporter: &'a CStr,
    pub(super) name: Option<&'a CStr>,
}

/// Prints the lines of `/proc/PID/fdinfo/`.
#[inline(always)]
pub(super) fn print_lines(m: &SeqFile, facts: &Facts<'_>) {
    let format = c"size:\t%zu\ncount:\t%ld\nexp_name:\t%s\n".as_char_ptr();
    let exporter = facts.exporter.as_char_ptr();

    // SAFETY: `m` is valid, and the format gets what it asks for.
    unsafe { bindings::seq_printf(m.as_c(), format, facts.size, facts.users, exporter) };
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
    // SAFETY: `m` is valid, and the format gets what it asks for.
    unsafe {
        bindings::seq_printf(
            m.as_c(),
            c"%08zu\t%08x\t%08x\t%08ld\t%s\t%08llu\t%s\n".as_char_ptr(),
            facts.size,
            flags,
            mode,
            facts.users,
            facts.exporter.as_char_ptr(),
            ino,
            facts.name.unwrap_or(c"<none>").as_char_ptr(),
        )
    };
}
