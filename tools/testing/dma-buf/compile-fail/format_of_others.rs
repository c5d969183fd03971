// SPDX-License-Identifier: GPL-2.0

//! C prints what it is given, with a format for that and for nothing else.

use kernel::{
    interop::printf::Format,
    prelude::*,
    seq_file::SeqFile, //
};

#[cfg(not(misuse))]
const LINE: Format<(&CStr, u32, usize)> = Format::new(c"%s:\t%08x of %zu\n");
#[cfg(misuse)]
const LINE: Format<(&CStr, u32, usize)> = Format::new(c"%s:\t%08lx of %zu\n"); //~ ERROR evaluation
#[cfg(misuse)]
const LESS: Format<(&CStr, u32, usize)> = Format::new(c"%s:\t%08x\n"); //~ ERROR evaluation
#[cfg(misuse)]
const MORE: Format<(&CStr, u32, usize)> = Format::new(c"%s:\t%08x of %zu%s\n"); //~ ERROR evaluation

pub fn print(m: &SeqFile, name: &CStr) {
    LINE.print(m, (name, 0xabc, 12));
    #[cfg(misuse)]
    LESS.print(m, (name, 0xabc, 12));
    #[cfg(misuse)]
    MORE.print(m, (name, 0xabc, 12));
}
