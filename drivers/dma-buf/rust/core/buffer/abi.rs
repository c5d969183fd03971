// SPDX-License-Identifier: GPL-2.0

//! What C calls.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h), and its callers keep to what is
//! written there. Here C pointers become typed references, and results C's error codes.
//!
//! For all of these: pointers are valid, or NULL where a check says so; a buffer is one that the
//! caller holds a reference to; an attachment is one that the caller has attached.

use super::{
    self as buffer,
    attachment::{
        self,
        AnyAttachment, //
    },
    cpu_access,
    registry,
    trace, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings::{
        device,
        dma_buf,
        dma_buf_attach_ops,
        dma_buf_attachment,
        dma_buf_export_info,
        dma_data_direction,
        iosys_map,
        sg_table,
        vm_area_struct, //
    },
    dma_buf::{
        to_errno,
        DmaBuf, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef,
    warn_on, //
};

/// A reference, or NULL.
fn into_raw(buf: Option<ARef<DmaBuf>>) -> *mut dma_buf {
    buf.map_or(ptr::null_mut(), |buf| ARef::into_raw(buf).cast().as_ptr())
}

/// A result as C has it in a pointer.
fn ptr_or_err<T>(result: Result<NonNull<T>>) -> *mut T {
    match result {
        Ok(ptr) => ptr.as_ptr(),
        Err(err) => err.to_ptr(),
    }
}

/// The buffer, unless the caller passed NULL, which it should not.
///
/// # Safety
///
/// `buf` must be NULL or a buffer that lives for `'a`.
unsafe fn checked<'a>(buf: *mut dma_buf) -> Result<&'a DmaBuf> {
    if warn_on!(buf.is_null()) {
        return Err(EINVAL);
    }
    // SAFETY: By the caller's guarantee.
    Ok(unsafe { DmaBuf::from_raw(buf) })
}

/// The attachment, unless the caller passed NULL, which it should not.
///
/// # Safety
///
/// `attach` must be NULL or an attachment that lives for `'a`.
unsafe fn checked_attachment<'a>(attach: *mut dma_buf_attachment) -> Result<&'a AnyAttachment> {
    let complete = !attach.is_null() && {
        // SAFETY: By the caller's guarantee.
        unsafe { !(*attach).dmabuf.is_null() }
    };

    if warn_on!(!complete) {
        return Err(EINVAL);
    }
    // SAFETY: By the caller's guarantee.
    Ok(unsafe { AnyAttachment::from_raw(attach) })
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_export(
    exp_info: *const dma_buf_export_info,
) -> *mut dma_buf {
    // SAFETY: The caller's guarantee.
    let buf = buffer::export(unsafe { &*exp_info });

    ptr_or_err(buf.map(|buf| ARef::into_raw(buf).cast()))
}

/// # Safety
///
/// As the module says. On success the caller's reference goes over to the descriptor.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_fd(dmabuf: *mut dma_buf, flags: c_int) -> c_int {
    // Some callers pass what they got, without a look at it.
    if dmabuf.is_null() {
        return EINVAL.to_errno();
    }
    // SAFETY: The caller's guarantee.
    let buf = unsafe { DmaBuf::from_raw(dmabuf) };

    buffer::fd(buf, flags as u32).unwrap_or_else(|err| err.to_errno())
}

/// # Safety
///
/// As the module says. `fd` is reserved in the calling process, and the caller's reference goes
/// over to it.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_fd_install(dmabuf: *mut dma_buf, fd: c_int) {
    // SAFETY: The caller's guarantee.
    unsafe { buffer::fd_install(DmaBuf::from_raw(dmabuf), fd) };
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_get(fd: c_int) -> *mut dma_buf {
    ptr_or_err(buffer::get(fd).map(|buf| ARef::into_raw(buf).cast()))
}

/// # Safety
///
/// As the module says. The caller gives up a reference.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_put(dmabuf: *mut dma_buf) {
    // SAFETY: The caller's guarantee.
    if let Ok(buf) = unsafe { checked(dmabuf) } {
        trace::put(buf);
        // SAFETY: The reference is a reference to the file.
        unsafe { kernel::bindings::fput(buf.file().as_ptr()) };
    }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_iter_begin() -> *mut dma_buf {
    into_raw(registry::first())
}

/// # Safety
///
/// As the module says. The caller gives up its reference.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_iter_next(dmabuf: *mut dma_buf) -> *mut dma_buf {
    // SAFETY: The caller's guarantee.
    match unsafe { checked(dmabuf) } {
        Ok(buf) => {
            let next = registry::next(buf);
            // SAFETY: The caller's guarantee.
            unsafe { dma_buf_put(dmabuf) };
            into_raw(next)
        }
        Err(_) => ptr::null_mut(),
    }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_attach(
    dmabuf: *mut dma_buf,
    dev: *mut device,
) -> *mut dma_buf_attachment {
    // SAFETY: The caller's guarantee.
    unsafe { dma_buf_dynamic_attach(dmabuf, dev, ptr::null(), ptr::null_mut()) }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_dynamic_attach(
    dmabuf: *mut dma_buf,
    dev: *mut device,
    importer_ops: *const dma_buf_attach_ops,
    importer_priv: *mut c_void,
) -> *mut dma_buf_attachment {
    let attach = || {
        // SAFETY: The caller's guarantee.
        let buf = unsafe { checked(dmabuf) }?;
        if warn_on!(dev.is_null()) {
            return Err(EINVAL);
        }
        let dev = NonNull::new(dev).ok_or(EINVAL)?;
        // SAFETY: The caller's guarantee.
        unsafe { attachment::attach(buf, dev, importer_ops, importer_priv) }
    };

    ptr_or_err(attach())
}

/// # Safety
///
/// As the module says. The attachment is gone afterwards.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_detach(
    dmabuf: *mut dma_buf,
    attach: *mut dma_buf_attachment,
) {
    // SAFETY: The caller's guarantee.
    let (Ok(buf), Ok(attachment)) = (unsafe { checked(dmabuf) }, unsafe {
        checked_attachment(attach)
    }) else {
        return;
    };

    if warn_on!(!ptr::eq(buf, attachment.buf())) {
        return;
    }
    if let Some(attach) = NonNull::new(attach) {
        // SAFETY: The caller's guarantee.
        unsafe { attachment::detach(buf, attach) };
    }
}

/// # Safety
///
/// As the module says. The caller holds the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_pin(attach: *mut dma_buf_attachment) -> c_int {
    // SAFETY: The caller's guarantee.
    let attachment = unsafe { AnyAttachment::from_raw(attach) };

    // For others the core pins on its own.
    warn_on!(!attachment.is_dynamic());
    to_errno(attachment.pin())
}

/// # Safety
///
/// As the module says. The caller holds the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_unpin(attach: *mut dma_buf_attachment) {
    // SAFETY: The caller's guarantee.
    let attachment = unsafe { AnyAttachment::from_raw(attach) };

    warn_on!(!attachment.is_dynamic());
    attachment.unpin();
}

/// # Safety
///
/// As the module says. The caller holds the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_map_attachment(
    attach: *mut dma_buf_attachment,
    direction: dma_data_direction,
) -> *mut sg_table {
    // SAFETY: The caller's guarantee.
    ptr_or_err(unsafe { checked_attachment(attach) }.and_then(|attach| attach.map(direction)))
}

/// # Safety
///
/// As the module says. The caller does not hold the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_map_attachment_unlocked(
    attach: *mut dma_buf_attachment,
    direction: dma_data_direction,
) -> *mut sg_table {
    // SAFETY: The caller's guarantee.
    let table = unsafe { checked_attachment(attach) }.and_then(|attach| {
        let _guard = attach.buf().resv().lock();
        attach.map(direction)
    });

    ptr_or_err(table)
}

/// # Safety
///
/// As the module says. The caller holds the reservation object; the table came from
/// [`dma_buf_map_attachment`] and is gone afterwards.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_unmap_attachment(
    attach: *mut dma_buf_attachment,
    sg_table: *mut sg_table,
    direction: dma_data_direction,
) {
    // SAFETY: The caller's guarantee.
    let Ok(attach) = (unsafe { checked_attachment(attach) }) else {
        return;
    };

    if warn_on!(sg_table.is_null()) {
        return;
    }
    if let Some(table) = NonNull::new(sg_table) {
        // SAFETY: The caller's guarantee.
        unsafe { attach.unmap(table, direction) };
    }
}

/// # Safety
///
/// As [`dma_buf_unmap_attachment`], but the caller does not hold the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_unmap_attachment_unlocked(
    attach: *mut dma_buf_attachment,
    sg_table: *mut sg_table,
    direction: dma_data_direction,
) {
    // SAFETY: The caller's guarantee.
    if let Ok(attachment) = unsafe { checked_attachment(attach) } {
        let _guard = attachment.buf().resv().lock();
        // SAFETY: The caller's guarantee; the lock is held.
        unsafe { dma_buf_unmap_attachment(attach, sg_table, direction) };
    }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_attach_revocable(attach: *mut dma_buf_attachment) -> bool {
    // SAFETY: The caller's guarantee.
    unsafe { AnyAttachment::from_raw(attach) }.is_revocable()
}

/// # Safety
///
/// As the module says. The caller holds the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_invalidate_mappings(dmabuf: *mut dma_buf) {
    // SAFETY: The caller's guarantee.
    attachment::invalidate_mappings(unsafe { DmaBuf::from_raw(dmabuf) });
}

/// # Safety
///
/// As the module says. The caller does not hold the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_begin_cpu_access(
    dmabuf: *mut dma_buf,
    dir: dma_data_direction,
) -> c_int {
    // SAFETY: The caller's guarantee.
    to_errno(unsafe { checked(dmabuf) }.and_then(|buf| cpu_access::begin(buf, dir)))
}

/// # Safety
///
/// As the module says. The caller does not hold the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_end_cpu_access(
    dmabuf: *mut dma_buf,
    dir: dma_data_direction,
) -> c_int {
    // SAFETY: The caller's guarantee.
    to_errno(unsafe { checked(dmabuf) }.and_then(|buf| cpu_access::end(buf, dir)))
}

/// # Safety
///
/// As the module says. The area is being set up.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_mmap(
    dmabuf: *mut dma_buf,
    vma: *mut vm_area_struct,
    pgoff: c_ulong,
) -> c_int {
    if warn_on!(vma.is_null()) {
        return EINVAL.to_errno();
    }
    // SAFETY: The caller's guarantee.
    let (buf, vma) = unsafe { (checked(dmabuf), VmaNew::from_raw(vma)) };

    to_errno(buf.and_then(|buf| cpu_access::mmap(buf, vma, pgoff)))
}

/// Stores the result of a `vmap`: the mapping, or none.
///
/// # Safety
///
/// `map` must be valid for a write.
unsafe fn store(map: *mut iosys_map, result: Result<iosys_map>) -> c_int {
    let (value, ret) = match result {
        Ok(value) => (value, 0),
        Err(err) => (iosys_map::default(), err.to_errno()),
    };

    // SAFETY: By the caller's guarantee.
    unsafe { map.write(value) };
    ret
}

/// # Safety
///
/// As the module says. The caller holds the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_vmap(dmabuf: *mut dma_buf, map: *mut iosys_map) -> c_int {
    // SAFETY: The caller's guarantee.
    unsafe { store(map, checked(dmabuf).and_then(cpu_access::vmap)) }
}

/// # Safety
///
/// As the module says. The caller does not hold the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_vmap_unlocked(
    dmabuf: *mut dma_buf,
    map: *mut iosys_map,
) -> c_int {
    // SAFETY: The caller's guarantee.
    let result = unsafe { checked(dmabuf) }.and_then(|buf| {
        let _guard = buf.resv().lock();
        cpu_access::vmap(buf)
    });

    // SAFETY: The caller's guarantee.
    unsafe { store(map, result) }
}

/// # Safety
///
/// As the module says. The caller holds the reservation object; `map` came from [`dma_buf_vmap`].
#[export]
pub(crate) unsafe extern "C" fn dma_buf_vunmap(dmabuf: *mut dma_buf, map: *mut iosys_map) {
    // SAFETY: The caller's guarantee.
    if let Ok(buf) = unsafe { checked(dmabuf) } {
        // SAFETY: The caller's guarantee.
        cpu_access::vunmap(buf, unsafe { &mut *map });
    }
}

/// # Safety
///
/// As [`dma_buf_vunmap`], but the caller does not hold the reservation object.
#[export]
pub(crate) unsafe extern "C" fn dma_buf_vunmap_unlocked(dmabuf: *mut dma_buf, map: *mut iosys_map) {
    // SAFETY: The caller's guarantee.
    if let Ok(buf) = unsafe { checked(dmabuf) } {
        let _guard = buf.resv().lock();
        // SAFETY: The caller's guarantee.
        cpu_access::vunmap(buf, unsafe { &mut *map });
    }
}
