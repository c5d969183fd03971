// SPDX-License-Identifier: GPL-2.0

//! Access to a buffer's memory by the CPU: coherency, `mmap` on behalf of an importer, `vmap`.

use super::{
    file,
    trace, //
};
use kernel::{
    bindings,
    bindings::{
        dma_data_direction,
        iosys_map, //
    },
    dma_buf::{
        DmaBuf,
        Usage, //
    },
    error::to_result,
    mm::virt::VmaNew,
    prelude::*,
    warn_on, //
};

/// The operations of the buffer's exporter.
pub(crate) fn ops(buf: &DmaBuf) -> &bindings::dma_buf_ops {
    // SAFETY: Valid and constant from export until release.
    unsafe { &*(*buf.as_raw()).ops }
}

/// Lets the CPU see what devices have written, and waits for what they are still doing.
///
/// See `dma_buf_begin_cpu_access()`. Fails with what the exporter fails with, and with
/// `ERESTARTSYS` on a signal.
pub(crate) fn begin(buf: &DmaBuf, dir: dma_data_direction) -> Result {
    might_lock(buf);

    if let Some(op) = ops(buf).begin_cpu_access {
        // SAFETY: As `struct dma_buf_ops` asks for.
        to_result(unsafe { op(buf.as_raw(), dir) })?;
    }
    // The exporter may have waited already, and more cleverly: then this is quick.
    let write = matches!(
        dir,
        dma_data_direction::DMA_BIDIRECTIONAL | dma_data_direction::DMA_TO_DEVICE
    );
    buf.resv().wait_interruptible(Usage::before_access(write))
}

/// Lets devices see what the CPU has written. See `dma_buf_end_cpu_access()`.
pub(crate) fn end(buf: &DmaBuf, dir: dma_data_direction) -> Result {
    might_lock(buf);

    match ops(buf).end_cpu_access {
        // SAFETY: As `struct dma_buf_ops` asks for.
        Some(op) => to_result(unsafe { op(buf.as_raw(), dir) }),
        None => Ok(()),
    }
}

/// Tells lockdep that the reservation object may be taken, so that a caller that holds it learns
/// at once.
fn might_lock(buf: &DmaBuf) {
    // SAFETY: The reservation object is valid.
    unsafe { bindings::dma_resv_might_lock(buf.resv().as_raw()) };
}

/// Tells lockdep that the caller must hold the reservation object.
pub(crate) fn assert_locked(buf: &DmaBuf) {
    // SAFETY: The reservation object is valid.
    unsafe { bindings::dma_resv_assert_held(buf.resv().as_raw()) };
}

/// Lets `vma`, which was made for another file, map the buffer from page `offset` on.
///
/// See `dma_buf_mmap()`. Fails with `EINVAL`, `EOVERFLOW`, or what the exporter fails with.
pub(crate) fn mmap(buf: &DmaBuf, vma: &VmaNew, offset: usize) -> Result {
    let pages = (vma.end() - vma.start()) >> kernel::page::PAGE_SHIFT;

    if ops(buf).mmap.is_some() && offset.checked_add(pages).is_none() {
        return Err(EOVERFLOW);
    }
    let op = file::mmap_check(buf, vma, offset)?;

    // SAFETY: The area is being set up; it gets a reference of its own to the buffer's file.
    unsafe {
        bindings::vma_set_file(vma.as_ptr(), buf.file().as_ptr());
        (*vma.as_ptr()).vm_pgoff = offset;
    }

    trace::mmap(buf);
    // SAFETY: As `struct dma_buf_ops` asks for.
    to_result(unsafe { op(buf.as_raw(), vma.as_ptr()) })
}

/// What `struct dma_buf` says when there is no mapping.
const UNMAPPED: iosys_map = iosys_map {
    is_iomem: false,
    __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 {
        vaddr: core::ptr::null_mut(),
    },
};

/// The mapping of a buffer into the kernel's address space, and how many use it.
///
/// # Invariants
///
/// The reservation object of `buf` is held as long as this exists.
struct Vmapping<'a>(&'a DmaBuf);

impl Vmapping<'_> {
    fn count(&mut self) -> &mut c_uint {
        // SAFETY: By the type invariant nobody else accesses it.
        unsafe { &mut (*self.0.as_raw()).vmapping_counter }
    }

    fn map(&mut self) -> &mut iosys_map {
        // SAFETY: By the type invariant nobody else accesses it.
        unsafe { &mut (*self.0.as_raw()).vmap_ptr }
    }
}

/// The address in `map`, of memory or of I/O memory.
fn address(map: &iosys_map) -> (bool, *mut c_void) {
    // SAFETY: Both members are pointers in the same place.
    (map.is_iomem, unsafe { map.__bindgen_anon_1.vaddr })
}

/// Maps the buffer for the kernel, or counts one more user. See `dma_buf_vmap()`.
///
/// The caller holds the reservation object. Fails with `EINVAL` if the exporter cannot map, or
/// with what it fails with: running out of address space is no bug and is not warned about.
pub(crate) fn vmap(buf: &DmaBuf) -> Result<iosys_map> {
    assert_locked(buf);

    let op = ops(buf).vmap.ok_or(EINVAL)?;
    // INVARIANT: The caller's duty, checked above.
    let mut mapping = Vmapping(buf);

    if *mapping.count() == 0 {
        let mut map = UNMAPPED;

        // SAFETY: As `struct dma_buf_ops` asks for.
        to_result(unsafe { op(buf.as_raw(), &mut map) })?;
        *mapping.map() = map;
    }
    *mapping.count() += 1;
    Ok(*mapping.map())
}

/// Drops one user of the mapping. See `dma_buf_vunmap()`.
///
/// The caller holds the reservation object. What was not mapped is left alone with a warning.
pub(crate) fn vunmap(buf: &DmaBuf, map: &mut iosys_map) {
    assert_locked(buf);

    // INVARIANT: The caller's duty, checked above.
    let mut mapping = Vmapping(buf);

    if warn_on!(*mapping.count() == 0 || address(mapping.map()) != address(map)) {
        return;
    }
    *mapping.count() -= 1;
    if *mapping.count() == 0 {
        if let Some(op) = ops(buf).vunmap {
            // SAFETY: As `struct dma_buf_ops` asks for.
            unsafe { op(buf.as_raw(), map) };
        }
        *mapping.map() = UNMAPPED;
    }
}
