// SPDX-License-Identifier: GPL-2.0

//! Keeps importers from peeking at the pages behind a mapping (`CONFIG_DMABUF_DEBUG`).
//!
//! An importer may use the DMA addresses of a table only: there may be no pages, and what there is
//! belongs to the exporter. With the option set importers get a copy of the table without pages.

use crate::mapping::OwnTable;
use core::ptr::NonNull;
use kernel::{
    bindings::sg_table,
    interop::export::FromC,
    prelude::*,
    scatterlist::SGTable, //
};

/// The table that an importer shall see instead of `original`. Fails with `ENOMEM`. May sleep.
///
/// # Safety
///
/// `original` must be a mapped table that stays until it is [`reveal`]ed.
pub(crate) unsafe fn hide(original: NonNull<sg_table>) -> Result<NonNull<sg_table>> {
    if cfg!(not(CONFIG_DMABUF_DEBUG)) {
        return Ok(original);
    }

    // SAFETY: A mapped table does not change.
    let mapped = unsafe { SGTable::from_raw(original.as_ptr()) };
    let mut hidden = OwnTable::new(original)?;

    hidden.alloc(mapped.iter().count() as u32)?;
    // New entries are zeroed: they have no page.
    let (mut writer, _) = hidden.write();
    for entry in mapped.iter() {
        // Where addresses have 32 bits, so have lengths.
        #[allow(clippy::unnecessary_cast)]
        writer.put(entry.dma_address(), entry.dma_len() as u32);
    }
    Ok(hidden.into_raw())
}

/// The table that `table` stood for, which is freed.
///
/// # Safety
///
/// `table` must have come from [`hide`], and not be used again.
pub(crate) unsafe fn reveal(table: NonNull<sg_table>) -> NonNull<sg_table> {
    if cfg!(not(CONFIG_DMABUF_DEBUG)) {
        return table;
    }
    // SAFETY: With the option set, `hide` has made it for the original.
    *unsafe { OwnTable::<NonNull<sg_table>>::from_c(table.as_ptr()) }.owner()
}
