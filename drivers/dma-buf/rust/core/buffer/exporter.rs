// SPDX-License-Identifier: GPL-2.0

//! Calls of an exporter, and of importers.

use super::layout::{
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
use kernel::{
    bindings::{
        dma_data_direction,
        iosys_map, //
    },
    dma_buf::DmaBuf,
    mm::virt::VmaNew,
    prelude::*, //
};

/// The exporter of a buffer.
#[derive(Clone, Copy)]
pub(super) struct Exporter<'a>(&'a Body);

/// The exporter of `buf`.
#[inline(always)]
pub(super) fn exporter(buf: &DmaBuf) -> Exporter<'_> {
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
    pub(super) fn attach(self, attachment: &Detached) -> Result {
        let attachment: &AnyAttachment = attachment;

        call!(self.0.ops().attach(), self.0.into(), attachment.into())
    }

    #[inline(always)]
    pub(super) fn detach(self, attachment: &Detached) {
        let attachment: &AnyAttachment = attachment;

        if let Some(op) = self.0.ops().detach() {
            op(self.0.into(), attachment.into());
        }
    }

    #[inline(always)]
    pub(super) fn begin_cpu_access(self, dir: dma_data_direction) -> Result {
        call!(self.0.ops().begin_cpu_access(), self.0.into(), dir)
    }

    #[inline(always)]
    pub(super) fn end_cpu_access(self, dir: dma_data_direction) -> Result {
        call!(self.0.ops().end_cpu_access(), self.0.into(), dir)
    }

    #[inline(always)]
    pub(super) fn has_mmap(self) -> bool {
        self.0.ops().mmap().is_some()
    }

    #[inline(always)]
    pub(super) fn mmap(self, area: &VmaNew) -> Result {
        let op = self.0.ops().mmap().ok_or(EINVAL)?;

        to_result(op(self.0.into(), area.into()))
    }

    #[inline(always)]
    pub(super) fn has_vmap(self) -> bool {
        self.0.ops().vmap().is_some()
    }
}

impl Locked<'_, DmaBuf> {
    #[inline(always)]
    pub(super) fn exporter_vmap(&self, map: &mut iosys_map) -> Result {
        let body = body(self);
        let op = body.ops().vmap().ok_or(EINVAL)?;

        to_result(op(body.into(), map.into()))
    }

    #[inline(always)]
    pub(super) fn exporter_vunmap(&self, map: &mut iosys_map) {
        let body = body(self);

        if let Some(op) = body.ops().vunmap() {
            op(body.into(), map.into());
        }
    }
}

impl Locked<'_, AnyAttachment> {
    /// Whether the exporter has memory that can move.
    #[inline(always)]
    pub(super) fn exporter_moves(&self) -> bool {
        body(self.buf()).ops().pin().is_some()
    }

    #[inline(always)]
    pub(super) fn exporter_pin(&self) -> Result {
        call!(body(self.buf()).ops().pin(), (&**self).into())
    }

    #[inline(always)]
    pub(super) fn exporter_unpin(&self) {
        if let Some(op) = body(self.buf()).ops().unpin() {
            op((&**self).into());
        }
    }
}

/// Tells revocable importers to give up their mappings.
#[inline(always)]
pub(super) fn invalidate_mappings(buf: &Locked<'_, DmaBuf>) {
    buf.attachments().for_each(|attachment| {
        let op = attachment
            .importer_ops()
            .and_then(|ops| ops.invalidate_mappings());

        if let Some(op) = op {
            op(attachment.into());
        }
    });
}
