// SPDX-License-Identifier: GPL-2.0

//! Calls of an exporter, and of importers.

use super::{
    attachment::{
        AnyAttachment,
        Detached, //
    },
    body::{
        body,
        Body, //
    },
    locked::Locked, //
};
use crate::errno::to_result;
use core::ptr::NonNull;
use kernel::{
    bindings::{
        dma_data_direction,
        iosys_map,
        sg_table, //
    },
    dma_buf::DmaBuf,
    error::from_err_ptr,
    mm::virt::VmaNew,
    prelude::*,
    scatterlist::SGTable, //
};

/// The exporter of a buffer.
#[derive(Clone, Copy)]
pub(in crate::buffer) struct Exporter<'a>(&'a Body);

/// The exporter of `buf`.
#[inline(always)]
pub(in crate::buffer) fn exporter(buf: &DmaBuf) -> Exporter<'_> {
    Exporter(body(buf))
}

/// Zero, or an error; zero if there is no such operation.
macro_rules! call {
    ($op:expr, $($arg:expr),*) => {
        match $op {
            Some(op) => to_result(op($($arg),*)),
            None => Ok(()),
        }
    };
}

impl Exporter<'_> {
    #[inline(always)]
    pub(in crate::buffer) fn attach(self, attachment: &Detached) -> Result {
        let attachment: &AnyAttachment = attachment;

        call!(self.0.ops.attach, self.0.into(), attachment.into())
    }

    #[inline(always)]
    pub(in crate::buffer) fn detach(self, attachment: &Detached) {
        let attachment: &AnyAttachment = attachment;

        if let Some(op) = self.0.ops.detach {
            op(self.0.into(), attachment.into());
        }
    }

    #[inline(always)]
    pub(in crate::buffer) fn begin_cpu_access(self, dir: dma_data_direction) -> Result {
        call!(self.0.ops.begin_cpu_access, self.0.into(), dir)
    }

    #[inline(always)]
    pub(in crate::buffer) fn end_cpu_access(self, dir: dma_data_direction) -> Result {
        call!(self.0.ops.end_cpu_access, self.0.into(), dir)
    }

    #[inline(always)]
    pub(in crate::buffer) fn has_mmap(self) -> bool {
        self.0.ops.mmap.is_some()
    }

    #[inline(always)]
    pub(in crate::buffer) fn mmap(self, area: &VmaNew) -> Result {
        let op = self.0.ops.mmap.ok_or(EINVAL)?;

        to_result(op(self.0.into(), area.into()))
    }

    #[inline(always)]
    pub(in crate::buffer) fn has_vmap(self) -> bool {
        self.0.ops.vmap.is_some()
    }
}

impl Locked<'_, DmaBuf> {
    #[inline(always)]
    pub(in crate::buffer) fn exporter_vmap(&self, map: &mut iosys_map) -> Result {
        let body = body(self);
        let op = body.ops.vmap.ok_or(EINVAL)?;

        to_result(op(body.into(), map.into()))
    }

    #[inline(always)]
    pub(in crate::buffer) fn exporter_vunmap(&self, map: &mut iosys_map) {
        let body = body(self);

        if let Some(op) = body.ops.vunmap {
            op(body.into(), map.into());
        }
    }
}

impl Locked<'_, AnyAttachment> {
    /// Whether the exporter has memory that can move.
    #[inline(always)]
    pub(in crate::buffer) fn exporter_moves(&self) -> bool {
        body(self.buf()).ops.pin.is_some()
    }

    #[inline(always)]
    pub(in crate::buffer) fn exporter_pin(&self) -> Result {
        call!(body(self.buf()).ops.pin, (&**self).into())
    }

    #[inline(always)]
    pub(in crate::buffer) fn exporter_unpin(&self) {
        if let Some(op) = body(self.buf()).ops.unpin {
            op((&**self).into());
        }
    }

    /// Makes a mapping, which is undone when it is dropped.
    #[inline(always)]
    pub(in crate::buffer) fn exporter_map(&self, dir: dma_data_direction) -> Result<Mapped<'_>> {
        // `export` has checked that the operation is there.
        let op = body(self.buf()).ops.map_dma_buf.ok_or(EINVAL)?;
        let table = from_err_ptr(op((&**self).into(), dir))?;

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
    ///
    /// # Safety
    ///
    /// `table` must have come from [`into_raw`](Self::into_raw), with the others as they were then,
    /// and not be used again.
    #[inline(always)]
    pub(in crate::buffer) unsafe fn from_raw(
        attachment: &'a Locked<'_, AnyAttachment>,
        table: NonNull<sg_table>,
        dir: dma_data_direction,
    ) -> Self {
        // INVARIANT: It was one.
        Self {
            attachment,
            table,
            dir,
        }
    }

    /// The table, which is not to be unmapped here.
    #[inline(always)]
    pub(in crate::buffer) fn into_raw(self) -> NonNull<sg_table> {
        core::mem::ManuallyDrop::new(self).table
    }

    #[inline(always)]
    pub(crate) fn as_raw(&self) -> NonNull<sg_table> {
        self.table
    }

    pub(crate) fn table(&self) -> &SGTable {
        // SAFETY: By the type invariant.
        unsafe { SGTable::from_raw(self.table.as_ptr()) }
    }
}

/// A table for an importer, which stands for a mapping that was [given up](Mapped::into_raw).
///
/// # Invariants
///
/// [`hide`](crate::page_hiding::hide) has returned it, and it does not come again. It is used
/// together with the attachment and the direction of that mapping.
pub(crate) struct MappedTable(pub(crate) NonNull<sg_table>);

impl Drop for Mapped<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(op) = body(self.attachment.buf()).ops.unmap_dma_buf {
            // SAFETY: By the type invariant, and nobody has the table any more.
            let table = unsafe { self.table.as_mut() };

            op(self.attachment.into(), table.into(), self.dir);
        }
    }
}

/// Tells revocable importers to give up their mappings.
#[inline(always)]
pub(in crate::buffer) fn invalidate_mappings(buf: &Locked<'_, DmaBuf>) {
    buf.attachments().for_each(|attachment| {
        let op = attachment
            .importer_ops()
            .and_then(|ops| ops.invalidate_mappings);

        if let Some(op) = op {
            op(attachment.into());
        }
    });
}
