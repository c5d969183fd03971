// SPDX-License-Identifier: GPL-2.0

//! Whoever announces a move is called by importers that unmap. What it keeps for an attachment is
//! not borrowed meanwhile.

use kernel::dma_buf::{
    AttachedDevice,
    Exporter, //
};

fn announced<T: Exporter<Attachment = kernel::alloc::KBox<u32>>>(
    attachment: &mut AttachedDevice<'_, T>,
) {
    let data = attachment.data();

    #[cfg(misuse)]
    attachment.invalidate_mappings(); //~ ERROR cannot borrow `*attachment` as mutable
    *data += 1;
    attachment.invalidate_mappings();
}
