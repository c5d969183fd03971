// SPDX-License-Identifier: GPL-2.0

//! What `seq_file` writers write.

use kernel::{
    bindings,
    prelude::*,
    seq_file::SeqFile, //
};

/// What `write` writes.
pub(crate) fn written(write: impl FnOnce(&SeqFile)) -> Result<KVec<u8>> {
    let mut buf = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
    let mut m = bindings::seq_file {
        buf: buf.as_mut_ptr().cast(),
        size: buf.len(),
        ..Default::default()
    };

    // SAFETY: To be written to, a `seq_file` needs a buffer and its size only.
    write(unsafe { SeqFile::from_raw(&mut m) });
    buf.truncate(m.count);
    Ok(buf)
}
