// SPDX-License-Identifier: GPL-2.0

//! What C calls for buffers.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h), and its callers keep to what is
//! written there. A [`Sure`] or [`Held`] stands for "the reservation object is held".

use super::{
    checked,
    cpu_access,
    layout::{
        attachment::{
            AnyAttachment,
            Device,
            GivenUp,
            Importer,
            Incomplete, //
        },
        life::into_file,
        locked::{
            Held,
            Locked, //
        },
        mapped::MaybeTable,
        owned::ExportInfo,
        pointer::MaybeLasting, //
    },
    registry,
    trace, //
};
use crate::resv::Sure;
use core::ptr;
use kernel::{
    bindings::{
        self,
        dma_buf_attachment,
        dma_data_direction,
        iosys_map,
        sg_table, //
    },
    dma_buf::DmaBuf,
    interop::export::{
        InOut,
        Out, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef, //
};

kernel::exports! {
    fn dma_buf_export(exporter: ExportInfo<'_>) -> Result<ARef<DmaBuf>> {
        super::export(exporter)
    }

    // On success the caller's reference goes over to the descriptor. Some callers pass what they
    // got, without a look at it.
    fn dma_buf_fd(buf: Option<ARef<DmaBuf>>, flags: c_int) -> Result<c_int> {
        super::fd(buf.ok_or(EINVAL)?, flags)
    }

    fn dma_buf_fd_install(buf: ARef<DmaBuf>, fd: c_int) {
        // The event's own condition, for callers that break the rules.
        if fd >= 0 {
            trace::fd(&buf, fd);
        }
        // SAFETY: The caller has reserved it, and the reference goes over.
        unsafe {
            bindings::fd_install(fd as c_uint, ARef::into_raw(into_file(buf)).as_ptr().cast())
        };
    }

    fn dma_buf_get(fd: c_int) -> Result<ARef<DmaBuf>> {
        super::get(fd)
    }

    fn dma_buf_put(buf: Option<ARef<DmaBuf>>) {
        checked::put(buf);
    }

    fn dma_buf_iter_begin() -> Option<ARef<DmaBuf>> {
        registry::first()
    }

    fn dma_buf_iter_next(buf: Option<ARef<DmaBuf>>) -> Option<ARef<DmaBuf>> {
        let next = buf.as_ref().and_then(|buf| registry::next(buf));

        checked::put(buf);
        next
    }

    fn dma_buf_attach(
        buf: MaybeLasting<'_, DmaBuf>,
        dev: MaybeLasting<'_, Device>,
    ) -> *mut dma_buf_attachment {
        checked::attach(buf, dev, Importer::STATIC, ptr::null_mut())
    }

    fn dma_buf_dynamic_attach(
        buf: MaybeLasting<'_, DmaBuf>,
        dev: MaybeLasting<'_, Device>,
        importer_ops: Importer,
        importer_priv: *mut c_void,
    ) -> *mut dma_buf_attachment {
        checked::attach(buf, dev, importer_ops, importer_priv)
    }

    fn dma_buf_detach(buf: Result<&DmaBuf>, attachment: GivenUp<'_>) {
        if let (Ok(buf), Ok(attachment)) = (buf, attachment.check()) {
            checked::detach(buf, attachment);
        }
    }

    fn dma_buf_pin(attachment: Sure<'_, AnyAttachment>) -> Result {
        checked::pin(&attachment.get())
    }

    fn dma_buf_unpin(attachment: Sure<'_, AnyAttachment>) {
        checked::unpin(&attachment.get());
    }

    fn dma_buf_map_attachment(
        attachment: Held<'_, Incomplete>,
        dir: dma_data_direction,
    ) -> *mut sg_table {
        checked::map(attachment.get(), dir)
    }

    fn dma_buf_map_attachment_unlocked(
        attachment: Option<&Incomplete>,
        dir: dma_data_direction,
    ) -> *mut sg_table {
        checked::map_unlocked(Incomplete::check(attachment), dir)
    }

    fn dma_buf_unmap_attachment(
        attachment: Held<'_, Incomplete>,
        table: MaybeTable,
        dir: dma_data_direction,
    ) {
        checked::unmap(attachment.get(), table, dir);
    }

    fn dma_buf_unmap_attachment_unlocked(
        attachment: Option<&Incomplete>,
        table: MaybeTable,
        dir: dma_data_direction,
    ) {
        checked::unmap_unlocked(Incomplete::check(attachment), table, dir);
    }

    fn dma_buf_attach_revocable(attachment: &AnyAttachment) -> bool {
        attachment.is_revocable()
    }

    fn dma_buf_invalidate_mappings(buf: Sure<'_, DmaBuf>) {
        buf.get().invalidate_mappings();
    }

    fn dma_buf_begin_cpu_access(buf: Result<&DmaBuf>, dir: dma_data_direction) -> Result {
        cpu_access::begin(buf?, dir)
    }

    fn dma_buf_end_cpu_access(buf: Result<&DmaBuf>, dir: dma_data_direction) -> Result {
        cpu_access::end(buf?, dir)
    }

    fn dma_buf_mmap(buf: Result<&DmaBuf>, area: Result<&VmaNew>, pgoff: c_ulong) -> Result {
        cpu_access::mmap(buf?, area?, pgoff)
    }

    fn dma_buf_vmap(buf: Held<'_, DmaBuf>, map: Out<'_, iosys_map>) -> Result {
        checked::vmap(buf.get(), map)
    }

    fn dma_buf_vmap_unlocked(buf: Result<&DmaBuf>, map: Out<'_, iosys_map>) -> Result {
        checked::vmap_unlocked(buf, map)
    }

    fn dma_buf_vunmap(buf: Held<'_, DmaBuf>, map: InOut<'_, iosys_map>) {
        if let Ok(buf) = buf.get() {
            cpu_access::vunmap(&buf, &mut map);
        }
    }

    fn dma_buf_vunmap_unlocked(buf: Result<&DmaBuf>, map: InOut<'_, iosys_map>) {
        if let Ok(buf) = buf {
            Locked::with(buf, |locked| cpu_access::vunmap(locked, &mut map));
        }
    }
}
