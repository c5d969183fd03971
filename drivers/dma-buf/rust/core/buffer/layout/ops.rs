// SPDX-License-Identifier: GPL-2.0

//! Calls of an exporter, and of importers: each with what is theirs, and under the lock if they
//! expect that.

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
use crate::buffer::tables::{
    AttachOps,
    CpuAccess,
    OnAttachment,
    OnVmapping,
    Ops, //
};
use kernel::{
    bindings::{
        dma_data_direction,
        iosys_map, //
    },
    dma_buf::DmaBuf,
    mm::virt::VmaNew,
    prelude::*, //
};

impl Body {
    #[inline(always)]
    pub(in crate::buffer) fn cpu_access(
        &self,
        pick: impl FnOnce(&Ops) -> Option<&CpuAccess>,
        dir: dma_data_direction,
    ) -> Option<c_int> {
        pick(&self.ops).map(|op| op.0(self.into(), dir))
    }

    #[inline(always)]
    pub(in crate::buffer) fn mmap(&self, area: &VmaNew) -> Option<c_int> {
        self.ops.mmap().map(|op| op.0(self.into(), area.into()))
    }
}

impl Detached {
    #[inline(always)]
    pub(in crate::buffer) fn tell_attach(&self) -> Option<c_int> {
        let body = body(self.buf());

        body.ops
            .attach()
            .map(|op| op.0(body.into(), (&**self).into()))
    }

    #[inline(always)]
    pub(in crate::buffer) fn tell_detach(&self) {
        let body = body(self.buf());

        if let Some(op) = body.ops.detach() {
            op.0(body.into(), (&**self).into());
        }
    }
}

impl Locked<'_, AnyAttachment> {
    #[inline(always)]
    pub(in crate::buffer) fn call<R>(
        &self,
        pick: impl FnOnce(&Ops) -> Option<&OnAttachment<R>>,
    ) -> Option<R> {
        pick(&body(self.buf()).ops).map(|op| op.0((&**self).into()))
    }
}

impl Locked<'_, DmaBuf> {
    #[inline(always)]
    pub(in crate::buffer) fn call<R>(
        &self,
        pick: impl FnOnce(&Ops) -> Option<&OnVmapping<R>>,
        map: &mut iosys_map,
    ) -> Option<R> {
        let body = body(self);

        pick(&body.ops).map(|op| op.0(body.into(), map.into()))
    }

    /// Tells revocable importers to give up their mappings.
    #[inline(always)]
    pub(in crate::buffer) fn invalidate_mappings(&self) {
        self.attachments().for_each(|attachment| {
            let ops = attachment.importer_ops.as_deref();

            if let Some(op) = ops.and_then(AttachOps::invalidate_mappings) {
                op.0(attachment.into());
            }
        });
    }
}
