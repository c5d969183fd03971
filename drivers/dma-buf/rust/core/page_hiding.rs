// SPDX-License-Identifier: GPL-2.0

//! Keeps importers from peeking at the pages behind a mapping (`CONFIG_DMABUF_DEBUG`).
//!
//! An importer may use the DMA addresses of a table only: there may be no pages, and what there is
//! belongs to the exporter. With the option set importers get a copy of the table without pages.

use crate::buffer::layout::mapped::{
    Mapped,
    MappedTable,
    Original, //
};
#[cfg(CONFIG_DMABUF_DEBUG)]
use crate::mapping::OwnTable;
use kernel::prelude::*;

/// The table that an importer shall see instead of that of `mapped`, which stays mapped until the
/// table is [`reveal`]ed. Fails with `ENOMEM`. May sleep.
#[cfg(CONFIG_DMABUF_DEBUG)]
pub(crate) fn hide(mapped: Mapped<'_>) -> Result<MappedTable> {
    let mut hidden = OwnTable::new(None)?;

    hidden.alloc(mapped.table().iter().count() as u32)?;
    // New entries are zeroed: they have no page.
    let (mut writer, original) = hidden.write();
    for entry in mapped.table().iter() {
        // Where addresses have 32 bits, so have lengths.
        #[allow(clippy::unnecessary_cast)]
        writer.put(entry.dma_address(), entry.dma_len() as u32);
    }
    *original = Some(mapped.give_up());
    Ok(MappedTable(hidden))
}

/// The table that `table` stood for.
#[cfg(CONFIG_DMABUF_DEBUG)]
pub(crate) fn reveal(mut table: MappedTable) -> Option<Original> {
    table.0.owner().take()
}

/// The table that an importer sees, which is that of `mapped`.
#[cfg(not(CONFIG_DMABUF_DEBUG))]
pub(crate) fn hide(mapped: Mapped<'_>) -> Result<MappedTable> {
    Ok(MappedTable(mapped.give_up()))
}

/// The table that `table` is.
#[cfg(not(CONFIG_DMABUF_DEBUG))]
pub(crate) fn reveal(table: MappedTable) -> Option<Original> {
    Some(table.0)
}
