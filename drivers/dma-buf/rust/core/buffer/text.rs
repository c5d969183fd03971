// SPDX-License-Identifier: GPL-2.0

//! Printing what user space, or a driver, has named.

use kernel::{
    bindings,
    interop::export::Wrapper,
    prelude::*,
    seq_file::SeqFile, //
};

/// Prints a string, whose bytes are left alone.
pub(super) fn print(m: &SeqFile, text: &CStr) {
    // SAFETY: Both are valid, and a string is as long as it says.
    unsafe { bindings::seq_write(m.as_c(), text.as_char_ptr().cast(), text.count_bytes()) };
}

/// Whether there is no more room: seq_file will ask again with more.
#[cfg(CONFIG_DEBUG_FS)]
pub(super) fn is_full(m: &SeqFile) -> bool {
    // SAFETY: Valid.
    unsafe { (*m.as_c()).count == (*m.as_c()).size }
}
