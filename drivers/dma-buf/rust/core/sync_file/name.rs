// SPDX-License-Identifier: GPL-2.0

//! Names in the room that there is for them.

use super::layout::SyncFile;
use crate::fence;
use kernel::{
    dma_buf::Fence,
    interop::printf::Format,
    prelude::*, //
};

/// Copies a string, cut off where the room ends.
fn copy(room: &mut [u8], string: &CStr) {
    let bytes = string.to_bytes_with_nul();
    let len = bytes.len().min(room.len());

    if let (Some(to), Some(from)) = (room.get_mut(..len), bytes.get(..len)) {
        to.copy_from_slice(from);
        if let Some(end) = to.last_mut() {
            *end = 0;
        }
    }
}

/// Writes the name of `sync_file` to `room`, cut off where that ends.
pub(super) fn write(sync_file: &SyncFile, room: &mut [u8]) {
    let name = sync_file.user_name();

    if name[0] == 0 {
        make_up(sync_file.fence(), room);
    } else if let Ok(name) = CStr::from_bytes_until_nul(name) {
        copy(room, name);
    }
}

fn make_up(fence: &Fence, room: &mut [u8]) {
    const NAME: Format<(fence::Name<'_>, fence::Name<'_>, u64, i64)> =
        Format::new(c"%s-%s%llu-%lld");

    fence::with_names(fence, |driver, timeline| {
        NAME.write(
            room,
            (driver, timeline, fence.context(), fence.seqno() as i64),
        );
    });
}
