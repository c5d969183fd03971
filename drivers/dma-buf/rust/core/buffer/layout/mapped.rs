// SPDX-License-Identifier: GPL-2.0

//! Mappings, and the tables that stand for them.

use super::{
    attachment::AnyAttachment,
    body::body,
    locked::Locked, //
};
#[cfg(CONFIG_DMABUF_DEBUG)]
use crate::mapping::OwnTable;
use core::ptr::NonNull;
use kernel::{
    bindings::{
        dma_data_direction,
        sg_table, //
    },
    error::from_err_ptr,
    interop::export::AsC,
    prelude::*,
    scatterlist::SGTable, //
};

impl Locked<'_, AnyAttachment> {
    /// Makes a mapping, which is undone when it is dropped.
    #[inline(always)]
    pub(in crate::buffer) fn exporter_map(&self, dir: dma_data_direction) -> Result<Mapped<'_>> {
        // `export` has checked that the operation is there.
        let op = body(self.buf()).ops.map_dma_buf().ok_or(EINVAL)?;
        let table = from_err_ptr(op.0((&**self).into(), dir))?;

        // INVARIANT: Mapped just above.
        Ok(Mapped {
            attachment: self,
            table: NonNull::new(table).ok_or(ENOMEM)?,
            dir,
        })
    }
}

/// A mapping that an exporter has made.
///
/// # Invariants
///
/// The exporter has mapped `attachment` with `table` in the direction `dir`.
pub(crate) struct Mapped<'a> {
    attachment: &'a AnyAttachment,
    table: NonNull<sg_table>,
    dir: dma_data_direction,
}

impl<'a> Mapped<'a> {
    /// Takes one back. It is undone when it is dropped.
    #[inline(always)]
    pub(in crate::buffer) fn again(
        attachment: &'a Locked<'_, AnyAttachment>,
        table: Original,
        dir: dma_data_direction,
    ) -> Self {
        // INVARIANT: It was one, by that of `Original`.
        Self {
            attachment,
            table: table.0,
            dir,
        }
    }

    /// Leaves it to who undoes it.
    #[inline(always)]
    pub(crate) fn give_up(self) -> Original {
        // INVARIANT: Just so.
        Original(core::mem::ManuallyDrop::new(self).table)
    }

    pub(crate) fn table(&self) -> &SGTable {
        // SAFETY: By the type invariant.
        unsafe { SGTable::from_raw(self.table.as_ptr()) }
    }
}

/// The table of a mapping that was [given up](Mapped::give_up).
///
/// # Invariants
///
/// As that says. It is used together with the attachment and the direction of that mapping.
#[repr(transparent)]
pub(crate) struct Original(NonNull<sg_table>);

impl Original {
    #[cfg_attr(CONFIG_DMABUF_DEBUG, allow(dead_code))]
    #[inline(always)]
    fn into_raw(self) -> NonNull<sg_table> {
        self.0
    }
}

/// What an importer gets to see: the table, or one that has it.
#[cfg(CONFIG_DMABUF_DEBUG)]
type Seen = OwnTable<Option<Original>>;
#[cfg(not(CONFIG_DMABUF_DEBUG))]
type Seen = Original;

/// A table for an importer, which stands for a mapping that was [given up](Original).
#[repr(transparent)]
pub(crate) struct MappedTable(pub(crate) Seen);

impl MappedTable {
    /// For the importer, who gives it back as a [`MaybeTable`].
    #[inline(always)]
    pub(in crate::buffer) fn into_raw(self) -> NonNull<sg_table> {
        self.0.into_raw()
    }
}

/// A table that `dma_buf_map_attachment()` has returned, for the same attachment and in the same
/// direction, and that the caller gives up; or NULL.
#[repr(transparent)]
pub(in crate::buffer) struct MaybeTable(pub(in crate::buffer) Option<MappedTable>);

/// As the type says.
// SAFETY: Transparent, as all is that it is made of: there is a pointer in it, or NULL for `None`.
unsafe impl AsC for MaybeTable {
    type C = *mut sg_table;
}

impl Drop for Mapped<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(op) = body(self.attachment.buf()).ops.unmap_dma_buf() {
            // SAFETY: By the type invariant, and nobody has the table any more.
            let table = unsafe { self.table.as_mut() };

            op.0(self.attachment.into(), table.into(), self.dir);
        }
    }
}
