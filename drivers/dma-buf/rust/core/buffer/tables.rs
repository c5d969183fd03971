// SPDX-License-Identifier: GPL-2.0

//! The operations of exporters and importers: `struct dma_buf_ops` and `struct dma_buf_attach_ops`.

use super::layout::operation::Operation;
use crate::table::{
    table,
    Arg,
    ArgGiven,
    ArgHeld,
    ArgMut, //
};
use kernel::{
    bindings::{
        dma_buf,
        dma_buf_attachment,
        dma_data_direction,
        iosys_map,
        sg_table,
        vm_area_struct, //
    },
    prelude::*, //
};

/// An operation before or after an access by the CPU.
pub(super) type CpuAccess = Operation<extern "C" fn(Arg<'_, dma_buf>, dma_data_direction) -> c_int>;

/// An operation that an attachment is all that it needs for.
pub(super) type OnAttachment<R> = Operation<extern "C" fn(ArgHeld<'_, dma_buf_attachment>) -> R>;

/// An operation about a mapping for the kernel.
pub(super) type OnVmapping<R> =
    Operation<extern "C" fn(ArgHeld<'_, dma_buf>, ArgMut<'_, iosys_map>) -> R>;

table! {
    /// What the exporter of a buffer does.
    ///
    /// # Invariants
    ///
    /// Each function may be called as `struct dma_buf_ops` says.
    pub(super) struct Ops: dma_buf_ops of Operation {
        fn attach(Arg<dma_buf>, Arg<dma_buf_attachment>) -> c_int;
        fn detach(Arg<dma_buf>, Arg<dma_buf_attachment>);
        fn pin(ArgHeld<dma_buf_attachment>) -> c_int;
        fn unpin(ArgHeld<dma_buf_attachment>);
        fn map_dma_buf(ArgHeld<dma_buf_attachment>; dma_data_direction) -> *mut sg_table;
        /// With a table that `map_dma_buf` has returned.
        fn unmap_dma_buf(ArgHeld<dma_buf_attachment>, ArgMut<sg_table>; dma_data_direction);
        fn release(ArgGiven<dma_buf>);
        fn begin_cpu_access(Arg<dma_buf>; dma_data_direction) -> c_int;
        fn end_cpu_access(Arg<dma_buf>; dma_data_direction) -> c_int;
        fn mmap(Arg<dma_buf>, Arg<vm_area_struct>) -> c_int;
        fn vmap(ArgHeld<dma_buf>, ArgMut<iosys_map>) -> c_int;
        fn vunmap(ArgHeld<dma_buf>, ArgMut<iosys_map>);
    }
}

impl Ops {
    /// Whether there is what there must be.
    #[inline(always)]
    pub(super) fn is_complete(&self) -> bool {
        self.map_dma_buf().is_some() && self.unmap_dma_buf().is_some() && self.release().is_some()
    }

    /// Whether it can pin but not unpin, or the other way round.
    #[inline(always)]
    pub(super) fn pins_by_halves(&self) -> bool {
        self.pin().is_some() != self.unpin().is_some()
    }
}

table! {
    /// What an importer does.
    ///
    /// # Invariants
    ///
    /// Each function may be called as `struct dma_buf_attach_ops` says.
    pub(super) struct AttachOps: dma_buf_attach_ops of Operation {
        let allow_peer2peer: bool;
        fn invalidate_mappings(ArgHeld<dma_buf_attachment>);
    }
}
