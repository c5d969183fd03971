// SPDX-License-Identifier: GPL-2.0

//! Keeps importers from peeking at the pages behind a mapping (`CONFIG_DMABUF_DEBUG`).
//!
//! An importer may use the DMA addresses of a table only: there may be no pages, and what there is
//! belongs to the exporter. With the option set importers get a copy of the table without pages.

use crate::{
    buffer::layout::exporter::{
        Mapped,
        MappedTable, //
    },
    mapping::OwnTable, //
};
use core::ptr::NonNull;
use kernel::{
    bindings::sg_table,
    interop::export::FromC,
    prelude::*, //
};

/// The table that an importer shall see instead of that of `mapped`, which stays mapped until the
/// table is [`reveal`]ed. Fails with `ENOMEM`. May sleep.
pub(crate) fn hide(mapped: &Mapped<'_>) -> Result<MappedTable> {
    let original = mapped.as_raw();

    if cfg!(not(CONFIG_DMABUF_DEBUG)) {
        // INVARIANT: This is where they come from.
        return Ok(MappedTable(original));
    }

    let mapped = mapped.table();
    let mut hidden = OwnTable::new(original)?;

    hidden.alloc(mapped.iter().count() as u32)?;
    // New entries are zeroed: they have no page.
    let (mut writer, _) = hidden.write();
    for entry in mapped.iter() {
        // Where addresses have 32 bits, so have lengths.
        #[allow(clippy::unnecessary_cast)]
        writer.put(entry.dma_address(), entry.dma_len() as u32);
    }
    // INVARIANT: As above.
    Ok(MappedTable(hidden.into_raw()))
}

/// The table that `table` stood for.
pub(crate) fn reveal(table: MappedTable) -> NonNull<sg_table> {
    if cfg!(not(CONFIG_DMABUF_DEBUG)) {
        return table.0;
    }
    // SAFETY: By the invariant of `MappedTable` and with the option set, `hide` has made it for the
    // original. It is freed here.
    *unsafe { OwnTable::<NonNull<sg_table>>::from_c(table.0.as_ptr()) }.owner()
}
