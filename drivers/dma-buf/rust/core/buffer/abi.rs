// SPDX-License-Identifier: GPL-2.0

//! What C calls for buffers.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h), and its callers keep to what is
//! written there. A [`Locked`] stands for "the reservation object is held".

use super::{
    attachment,
    cpu_access,
    layout::{
        attachment::{
            AnyAttachment,
            Attached,
            Detached,
            Device, //
        },
        body::Vmapping,
        exporter::{
            self,
            MappedTable,
            MaybeTable, //
        },
        life::into_file,
        locked::{
            Guard,
            Locked,
            OfBuffer, //
        },
        owned::ExportInfo, //
    },
    registry,
    trace, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings::{
        self,
        device,
        dma_buf,
        dma_buf_attach_ops,
        dma_buf_attachment,
        dma_data_direction,
        iosys_map,
        sg_table, //
    },
    dma_buf::DmaBuf,
    fs::file::FileDescriptorReservation,
    interop::export::{
        FromC,
        InOut,
        IntoC,
        Out,
        Wrapper, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef,
    warn_on, //
};

/// An attachment. One that is NULL or has no buffer, which the caller should not pass, is `EINVAL`
/// and a warning.
struct Checked<'a>(Result<&'a AnyAttachment>);

impl FromC for Checked<'_> {
    type C = *mut dma_buf_attachment;

    #[inline(always)]
    unsafe fn from_c(value: *mut dma_buf_attachment) -> Self {
        // SAFETY: By the contract above.
        let object: Option<&AnyAttachment> = unsafe {
            let is_complete = !value.is_null() && !(*value).dmabuf.is_null();
            is_complete.then(|| FromC::from_c(value))
        };

        if warn_on!(object.is_none()) {
            return Self(Err(EINVAL));
        }
        Self(object.ok_or(EINVAL))
    }
}

impl<'a> From<Checked<'a>> for Result<&'a AnyAttachment> {
    #[inline(always)]
    fn from(attachment: Checked<'a>) -> Self {
        attachment.0
    }
}

/// A valid object whose buffer is locked.
impl<T: OfBuffer + Wrapper> FromC for Locked<'_, T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above.
        unsafe { Locked::assume(FromC::from_c(value)) }
    }
}

/// An `A`, whose buffer is locked if there is one.
struct Held<'a, T, A>(Result<Locked<'a, T>>, PhantomData<A>);

impl<'a, T: OfBuffer, A: FromC + Into<Result<&'a T>>> FromC for Held<'a, T, A> {
    type C = A::C;

    #[inline(always)]
    unsafe fn from_c(value: A::C) -> Self {
        // SAFETY: By the contract above.
        let object = unsafe { A::from_c(value).into().map(|object| Locked::assume(object)) };

        Self(object, PhantomData)
    }
}

type HeldBuf<'a> = Held<'a, DmaBuf, Result<&'a DmaBuf>>;
type HeldAttachment<'a> = Held<'a, AnyAttachment, Checked<'a>>;

/// An attachment as [`Checked`], which the caller gives up.
struct GivenUp(Result<Attached>);

impl FromC for GivenUp {
    type C = *mut dma_buf_attachment;

    #[inline(always)]
    unsafe fn from_c(value: *mut dma_buf_attachment) -> Self {
        // SAFETY: By the contract above: it was attached here.
        unsafe {
            let attachment = Checked::from_c(value).0;
            Self(attachment.map(|_| Attached::from_raw(NonNull::new_unchecked(value.cast()))))
        }
    }
}

/// Leaves a mapping, or none, there.
#[inline(always)]
fn leave(
    mut map: Out<'_, iosys_map>,
    find: impl FnOnce(&mut Out<'_, iosys_map>) -> Result,
) -> Result {
    find(&mut map).inspect_err(|_| map.put(Vmapping::UNMAPPED))
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

    fn dma_buf_attach(buf: *mut dma_buf, dev: *mut device) -> *mut dma_buf_attachment {
        // SAFETY: What this asks for is what the other asks for.
        unsafe { dma_buf_dynamic_attach(buf, dev, ptr::null(), ptr::null_mut()) }
    }

    fn dma_buf_dynamic_attach(
        buf: Result<&DmaBuf>,
        dev: Result<&Device>,
        importer_ops: *const dma_buf_attach_ops,
        importer_priv: *mut c_void,
    ) -> Result<NonNull<dma_buf_attachment>> {
        let buf = buf?;
        // SAFETY: The caller keeps all three until it detaches the device.
        let attachment = unsafe { Detached::new(buf, dev?, importer_ops, importer_priv) }?;

        attachment::attach(buf, attachment).map(Attached::into_raw)
    }

    fn dma_buf_detach(buf: Result<&DmaBuf>, attachment: GivenUp) {
        let (Ok(buf), Ok(attachment)) = (buf, attachment.0) else {
            return;
        };

        if !warn_on!(!ptr::eq(buf, attachment.buf())) {
            attachment::detach(buf, attachment);
        }
    }

    // For importers that are not dynamic the core pins on its own.
    fn dma_buf_pin(attachment: Locked<'_, AnyAttachment>) -> Result {
        warn_on!(!attachment.is_dynamic());
        attachment.exporter_pin()
    }

    fn dma_buf_unpin(attachment: Locked<'_, AnyAttachment>) {
        warn_on!(!attachment.is_dynamic());
        attachment.exporter_unpin();
    }

    fn dma_buf_map_attachment(
        attachment: HeldAttachment<'_>,
        dir: dma_data_direction,
    ) -> *mut sg_table {
        match attachment.0 {
            Ok(attachment) => map(attachment, dir),
            Err(err) => err.to_ptr(),
        }
    }

    fn dma_buf_map_attachment_unlocked(
        attachment: Checked<'_>,
        dir: dma_data_direction,
    ) -> *mut sg_table {
        match attachment.0 {
            Ok(attachment) => map(Guard::lock(attachment).reborrow(), dir),
            Err(err) => err.to_ptr(),
        }
    }

    fn dma_buf_unmap_attachment(
        attachment: HeldAttachment<'_>,
        table: MaybeTable,
        dir: dma_data_direction,
    ) {
        if let Ok(attachment) = attachment.0 {
            unmap(&attachment, table, dir);
        }
    }

    fn dma_buf_unmap_attachment_unlocked(
        attachment: Checked<'_>,
        table: MaybeTable,
        dir: dma_data_direction,
    ) {
        if let Ok(attachment) = attachment.0 {
            unmap(&Guard::lock(attachment), table, dir);
        }
    }

    fn dma_buf_attach_revocable(attachment: &AnyAttachment) -> bool {
        attachment.is_revocable()
    }

    fn dma_buf_invalidate_mappings(buf: Locked<'_, DmaBuf>) {
        exporter::invalidate_mappings(&buf);
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

    fn dma_buf_vmap(buf: HeldBuf<'_>, map: Out<'_, iosys_map>) -> Result {
        leave(map, |map| cpu_access::vmap(&buf.0?, map))
    }

    fn dma_buf_vmap_unlocked(buf: Result<&DmaBuf>, map: Out<'_, iosys_map>) -> Result {
        leave(map, |map| cpu_access::vmap(&Guard::lock(buf?), map))
    }

    fn dma_buf_vunmap(buf: HeldBuf<'_>, map: InOut<'_, iosys_map>) {
        if let Ok(buf) = buf.0 {
            cpu_access::vunmap(&buf, &mut map);
        }
    }

    fn dma_buf_vunmap_unlocked(buf: Result<&DmaBuf>, map: InOut<'_, iosys_map>) {
        if let Ok(buf) = buf {
            cpu_access::vunmap(&Guard::lock(buf), &mut map);
        }
    }
}
