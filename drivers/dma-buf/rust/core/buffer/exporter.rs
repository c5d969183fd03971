// SPDX-License-Identifier: GPL-2.0

//! What the exporter of a buffer is asked to do, and what goes for one that has nothing for that.

use super::{
    layout::{
        attachment::{
            AnyAttachment,
            Detached, //
        },
        body::{
            body,
            Body, //
        },
        locked::Locked, //
    },
    tables::Ops, //
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

impl Detached {
    #[inline(always)]
    pub(super) fn exporter_attach(&self) -> Result {
        to_result(self.tell_attach().unwrap_or(0))
    }
}

impl Exporter<'_> {
    #[inline(always)]
    pub(super) fn begin_cpu_access(self, dir: dma_data_direction) -> Result {
        to_result(self.0.cpu_access(Ops::begin_cpu_access, dir).unwrap_or(0))
    }

    #[inline(always)]
    pub(super) fn end_cpu_access(self, dir: dma_data_direction) -> Result {
        to_result(self.0.cpu_access(Ops::end_cpu_access, dir).unwrap_or(0))
    }

    #[inline(always)]
    pub(super) fn has_mmap(self) -> bool {
        self.0.ops().mmap().is_some()
    }

    #[inline(always)]
    pub(super) fn mmap(self, area: &VmaNew) -> Result {
        to_result(self.0.mmap(area).ok_or(EINVAL)?)
    }

    #[inline(always)]
    pub(super) fn has_vmap(self) -> bool {
        self.0.ops().vmap().is_some()
    }
}

impl Locked<'_, DmaBuf> {
    #[inline(always)]
    pub(super) fn exporter_vmap(&self, map: &mut iosys_map) -> Result {
        to_result(self.call(Ops::vmap, map).ok_or(EINVAL)?)
    }

    #[inline(always)]
    pub(super) fn exporter_vunmap(&self, map: &mut iosys_map) {
        self.call(Ops::vunmap, map);
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
        to_result(self.call(Ops::pin).unwrap_or(0))
    }

    #[inline(always)]
    pub(super) fn exporter_unpin(&self) {
        self.call(Ops::unpin);
    }
}
