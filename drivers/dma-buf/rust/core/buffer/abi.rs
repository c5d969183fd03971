// SPDX-License-Identifier: GPL-2.0

//! What C calls for buffers.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h), and its callers keep to what is
//! written there. A [`Sure`] or [`Held`] stands for "the reservation object is held".

use super::{
    attachment,
    cpu_access,
    exporter,
    layout::{
        attachment::{
            AnyAttachment,
            Attached,
            Detached,
            Device,
            GivenUp,
            Importer,
            Incomplete, //
        },
        body::Vmapping,
        life::into_file,
        locked::{
            Guard,
            Held,
            Locked, //
        },
        mapped::{
            MappedTable,
            MaybeTable, //
        },
        owned::ExportInfo,
        pointer::MaybeLasting, //
    },
    registry,
    trace, //
};
use crate::layout::sure::Sure;
use core::{
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings::{
        self,
        dma_buf_attachment,
        dma_data_direction,
        iosys_map,
        sg_table, //
    },
    dma_buf::DmaBuf,
    fs::file::FileDescriptorReservation,
    interop::export::{
        InOut,
        IntoC,
        Out, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef,
    warn_on, //
};

/// Leaves a mapping, or none, there.
#[inline(always)]
fn leave(
    mut map: Out<'_, iosys_map>,
    find: impl FnOnce(&mut Out<'_, iosys_map>) -> Result,
) -> Result {
    find(&mut map).inspect_err(|_| map.put(Vmapping::UNMAPPED))
}

/// What C gets of an attachment, of which it has to keep all that it is made of.
#[inline(never)]
fn attach(
    buf: MaybeLasting<'_, DmaBuf>,
    dev: MaybeLasting<'_, Device>,
    importer: Importer,
    importer_priv: *mut c_void,
) -> <Result<NonNull<dma_buf_attachment>> as IntoC>::C {
    let (buf, dev) = (buf.check(), dev.check());
    let attached = || {
        let (buf, dev) = (buf?, dev?);
        let exported = buf.get();
        let attachment = Detached::new(buf, dev, importer, importer_priv)?;

        attachment::attach(exported, attachment).map(Attached::into_raw)
    };

    attached().into_c()
}

/// What C gets of a mapping of a buffer that is locked.
#[inline(never)]
fn map(
    attachment: Locked<'_, AnyAttachment>,
    dir: dma_data_direction,
) -> <Result<NonNull<sg_table>> as IntoC>::C {
    attachment::map(&attachment, dir)
        .map(MappedTable::into_raw)
        .into_c()
}

fn put(buf: Option<ARef<DmaBuf>>) {
    if warn_on!(buf.is_none()) {
        return;
    }
    if let Some(buf) = buf {
        trace::put(&buf);
        drop(into_file(buf));
    }
}

/// Leaves to the caller what was not unmapped.
fn keep(table: MaybeTable) {
    let _ = ManuallyDrop::new(table);
}

fn unmap(attachment: &Locked<'_, AnyAttachment>, table: MaybeTable, dir: dma_data_direction) {
    if warn_on!(table.0.is_none()) {
        return;
    }
    if let Some(table) = table.0 {
        attachment::unmap(attachment, table, dir);
    }
}

kernel::exports! {
    fn dma_buf_export(exporter: ExportInfo<'_>) -> Result<ARef<DmaBuf>> {
        super::export(exporter)
    }

    // On success the caller's reference goes over to the descriptor. Some callers pass what they
    // got, without a look at it.
    fn dma_buf_fd(buf: Option<ARef<DmaBuf>>, flags: c_int) -> Result<c_int> {
        let buf = buf.ok_or(EINVAL)?;

        match FileDescriptorReservation::get_unused_fd_flags(flags as u32) {
            Ok(fd) => Ok(super::install(buf, fd)),
            Err(err) => {
                core::mem::forget(buf);
                Err(err)
            }
        }
    }

    fn dma_buf_fd_install(buf: ARef<DmaBuf>, fd: c_int) {
        trace::fd(&buf, fd);
        // SAFETY: The caller has reserved it, and the reference goes over.
        unsafe {
            bindings::fd_install(fd as c_uint, ARef::into_raw(into_file(buf)).as_ptr().cast())
        };
    }

    fn dma_buf_get(fd: c_int) -> Result<ARef<DmaBuf>> {
        super::get(fd)
    }

    fn dma_buf_put(buf: Option<ARef<DmaBuf>>) {
        put(buf);
    }

    fn dma_buf_iter_begin() -> Option<ARef<DmaBuf>> {
        registry::first()
    }

    fn dma_buf_iter_next(buf: Option<ARef<DmaBuf>>) -> Option<ARef<DmaBuf>> {
        let next = buf.as_ref().and_then(|buf| registry::next(buf));

        put(buf);
        next
    }

    fn dma_buf_attach(
        buf: MaybeLasting<'_, DmaBuf>,
        dev: MaybeLasting<'_, Device>,
    ) -> *mut dma_buf_attachment {
        attach(buf, dev, Importer::STATIC, ptr::null_mut())
    }

    fn dma_buf_dynamic_attach(
        buf: MaybeLasting<'_, DmaBuf>,
        dev: MaybeLasting<'_, Device>,
        importer_ops: Importer,
        importer_priv: *mut c_void,
    ) -> *mut dma_buf_attachment {
        attach(buf, dev, importer_ops, importer_priv)
    }

    fn dma_buf_detach(buf: Result<&DmaBuf>, attachment: GivenUp<'_>) {
        let (Ok(buf), Ok(attachment)) = (buf, attachment.check()) else {
            return;
        };

        if !warn_on!(!ptr::eq(buf, attachment.buf())) {
            attachment::detach(buf, attachment);
        }
    }

    // For importers that are not dynamic the core pins on its own.
    fn dma_buf_pin(attachment: Sure<'_, AnyAttachment>) -> Result {
        let attachment = attachment.get();

        warn_on!(!attachment.is_dynamic());
        attachment.exporter_pin()
    }

    fn dma_buf_unpin(attachment: Sure<'_, AnyAttachment>) {
        let attachment = attachment.get();

        warn_on!(!attachment.is_dynamic());
        attachment.exporter_unpin();
    }

    fn dma_buf_map_attachment(
        attachment: Held<'_, Incomplete>,
        dir: dma_data_direction,
    ) -> *mut sg_table {
        match attachment.get() {
            Ok(attachment) => map(attachment, dir),
            Err(err) => err.to_ptr(),
        }
    }

    fn dma_buf_map_attachment_unlocked(
        attachment: Option<&Incomplete>,
        dir: dma_data_direction,
    ) -> *mut sg_table {
        match Incomplete::check(attachment) {
            Ok(attachment) => map(Guard::lock(attachment).reborrow(), dir),
            Err(err) => err.to_ptr(),
        }
    }

    fn dma_buf_unmap_attachment(
        attachment: Held<'_, Incomplete>,
        table: MaybeTable,
        dir: dma_data_direction,
    ) {
        match attachment.get() {
            Ok(attachment) => unmap(&attachment, table, dir),
            Err(_) => keep(table),
        }
    }

    fn dma_buf_unmap_attachment_unlocked(
        attachment: Option<&Incomplete>,
        table: MaybeTable,
        dir: dma_data_direction,
    ) {
        match Incomplete::check(attachment) {
            Ok(attachment) => unmap(&Guard::lock(attachment), table, dir),
            Err(_) => keep(table),
        }
    }

    fn dma_buf_attach_revocable(attachment: &AnyAttachment) -> bool {
        attachment.is_revocable()
    }

    fn dma_buf_invalidate_mappings(buf: Sure<'_, DmaBuf>) {
        exporter::invalidate_mappings(&buf.get());
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
        leave(map, |map| cpu_access::vmap(&buf.get()?, map))
    }

    fn dma_buf_vmap_unlocked(buf: Result<&DmaBuf>, map: Out<'_, iosys_map>) -> Result {
        leave(map, |map| cpu_access::vmap(&Guard::lock(buf?), map))
    }

    fn dma_buf_vunmap(buf: Held<'_, DmaBuf>, map: InOut<'_, iosys_map>) {
        if let Ok(buf) = buf.get() {
            cpu_access::vunmap(&buf, &mut map);
        }
    }

    fn dma_buf_vunmap_unlocked(buf: Result<&DmaBuf>, map: InOut<'_, iosys_map>) {
        if let Ok(buf) = buf {
            cpu_access::vunmap(&Guard::lock(buf), &mut map);
        }
    }
}
