// SPDX-License-Identifier: GPL-2.0

//! Calls of C that may pass what it should not, such as NULL: that is looked at first.

use super::{
    attachment,
    cpu_access,
    layout::{
        attachment::{
            AnyAttachment,
            Attached,
            Detached,
            Device,
            Importer, //
        },
        life::into_file,
        locked::Locked,
        mapped::{
            MappedTable,
            MaybeTable, //
        },
        pointer::MaybeLasting, //
    },
    trace,
    vmapping::UNMAPPED, //
};
use core::{
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings::{
        dma_buf_attachment,
        dma_data_direction,
        iosys_map,
        sg_table, //
    },
    dma_buf::DmaBuf,
    interop::export::{
        IntoC,
        Out, //
    },
    prelude::*,
    sync::aref::ARef,
    warn_on, //
};

/// Drops a reference.
pub(super) fn put(buf: Option<ARef<DmaBuf>>) {
    if warn_on!(buf.is_none()) {
        return;
    }
    if let Some(buf) = buf {
        trace::put(&buf);
        drop(into_file(buf));
    }
}

/// What C gets of an attachment, of which it has to keep all that it is made of.
#[inline(never)]
pub(super) fn attach(
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

/// Detaches a device from the buffer that it is attached to, and from no other.
#[inline(always)]
pub(super) fn detach(buf: &DmaBuf, attached: Attached) {
    if !warn_on!(!ptr::eq(buf, attached.buf())) {
        attachment::detach(buf, attached);
    }
}

/// Pins for an importer that is dynamic: for others the core pins on its own.
#[inline(always)]
pub(super) fn pin(attachment: &Locked<'_, AnyAttachment>) -> Result {
    warn_on!(!attachment.is_dynamic());
    attachment.exporter_pin()
}

/// Undoes [`pin`].
#[inline(always)]
pub(super) fn unpin(attachment: &Locked<'_, AnyAttachment>) {
    warn_on!(!attachment.is_dynamic());
    attachment.exporter_unpin();
}

/// What C gets of a mapping of a buffer that is locked.
#[inline(never)]
fn map_locked(
    attachment: Locked<'_, AnyAttachment>,
    dir: dma_data_direction,
) -> <Result<NonNull<sg_table>> as IntoC>::C {
    attachment::map(&attachment, dir)
        .map(MappedTable::into_raw)
        .into_c()
}

/// Maps, if there is an attachment.
#[inline(always)]
pub(super) fn map(
    attachment: Result<Locked<'_, AnyAttachment>>,
    dir: dma_data_direction,
) -> *mut sg_table {
    match attachment {
        Ok(attachment) => map_locked(attachment, dir),
        Err(err) => err.to_ptr(),
    }
}

/// Locks, and maps, if there is an attachment.
#[inline(always)]
pub(super) fn map_unlocked(
    attachment: Result<&AnyAttachment>,
    dir: dma_data_direction,
) -> *mut sg_table {
    match attachment {
        Ok(attachment) => Locked::with(attachment, |it| map_locked(it.reborrow(), dir)),
        Err(err) => err.to_ptr(),
    }
}

/// Leaves to the caller what was not unmapped.
fn keep(table: MaybeTable) {
    let _ = ManuallyDrop::new(table);
}

#[inline(always)]
fn unmap_locked(
    attachment: &Locked<'_, AnyAttachment>,
    table: MaybeTable,
    dir: dma_data_direction,
) {
    if warn_on!(table.0.is_none()) {
        return;
    }
    if let Some(table) = table.0 {
        attachment::unmap(attachment, table, dir);
    }
}

/// Unmaps, if there is an attachment.
#[inline(always)]
pub(super) fn unmap(
    attachment: Result<Locked<'_, AnyAttachment>>,
    table: MaybeTable,
    dir: dma_data_direction,
) {
    match attachment {
        Ok(attachment) => unmap_locked(&attachment, table, dir),
        Err(_) => keep(table),
    }
}

/// Locks, and unmaps, if there is an attachment.
#[inline(always)]
pub(super) fn unmap_unlocked(
    attachment: Result<&AnyAttachment>,
    table: MaybeTable,
    dir: dma_data_direction,
) {
    match attachment {
        Ok(attachment) => Locked::with(attachment, |it| unmap_locked(it, table, dir)),
        Err(_) => keep(table),
    }
}

/// Leaves a mapping, or none, there.
#[inline(always)]
fn leave(
    mut map: Out<'_, iosys_map>,
    find: impl FnOnce(&mut Out<'_, iosys_map>) -> Result,
) -> Result {
    find(&mut map).inspect_err(|_| map.put(UNMAPPED))
}

/// Maps for the kernel, if there is a buffer.
#[inline(always)]
pub(super) fn vmap(buf: Result<Locked<'_, DmaBuf>>, map: Out<'_, iosys_map>) -> Result {
    leave(map, |map| cpu_access::vmap(&buf?, map))
}

/// Locks, and maps for the kernel, if there is a buffer.
#[inline(always)]
pub(super) fn vmap_unlocked(buf: Result<&DmaBuf>, map: Out<'_, iosys_map>) -> Result {
    leave(map, |map| {
        Locked::with(buf?, |it| cpu_access::vmap(it, map))
    })
}
