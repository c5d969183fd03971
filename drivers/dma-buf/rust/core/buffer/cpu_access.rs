// SPDX-License-Identifier: GPL-2.0

//! Access to a buffer's memory by the CPU: coherency, `mmap`, `vmap`.

use super::{
    exporter::exporter,
    layout::{
        locked::Locked,
        vfs::set_file, //
    },
    lock::might_lock,
    trace, //
};
use crate::resv::has_no_list;
use kernel::{
    bindings::{
        dma_data_direction,
        iosys_map, //
    },
    dma_buf::{
        DmaBuf,
        Usage, //
    },
    interop::export::Out,
    mm::virt::VmaNew,
    page::PAGE_SHIFT,
    prelude::*,
    warn_on, //
};

/// Lets the CPU see what devices have written, and waits for what they are still doing.
///
/// See `dma_buf_begin_cpu_access()`. Fails with what the exporter fails with, and with
/// `ERESTARTSYS` on a signal.
pub(super) fn begin(buf: &DmaBuf, dir: dma_data_direction) -> Result {
    might_lock(buf);

    exporter(buf).begin_cpu_access(dir)?;
    // The exporter may have waited already, and more cleverly: then this is quick.
    let write = matches!(
        dir,
        dma_data_direction::DMA_BIDIRECTIONAL | dma_data_direction::DMA_TO_DEVICE
    );
    let resv = buf.resv();
    if has_no_list(resv) {
        return Ok(());
    }
    resv.wait_interruptible(Usage::before_access(write))
}

/// Lets devices see what the CPU has written. See `dma_buf_end_cpu_access()`.
pub(super) fn end(buf: &DmaBuf, dir: dma_data_direction) -> Result {
    might_lock(buf);

    exporter(buf).end_cpu_access(dir)
}

/// How many pages there are in `area`.
#[inline(always)]
fn pages(area: &VmaNew) -> usize {
    // It ends behind its start.
    area.end().wrapping_sub(area.start()) >> PAGE_SHIFT
}

/// Checks that the buffer can be mapped and `area` at page `offset` lies inside it. Fails with
/// `EINVAL`.
#[inline(always)]
fn check_mmap(buf: &DmaBuf, area: &VmaNew, offset: usize) -> Result {
    let fits = offset
        .checked_add(pages(area))
        .is_some_and(|end| end <= buf.size() >> PAGE_SHIFT);

    if !exporter(buf).has_mmap() || !fits {
        return Err(EINVAL);
    }
    Ok(())
}

/// Lets `area`, which was made for the buffer's own file, map the buffer from page `offset` on.
///
/// Fails with `EINVAL`, or what the exporter fails with.
#[inline]
pub(super) fn mmap_file(buf: &DmaBuf, area: &VmaNew, offset: usize) -> Result {
    check_mmap(buf, area, offset)?;
    trace::mmap_file(buf);
    exporter(buf).mmap(area)
}

/// Lets `area`, which was made for another file, map the buffer from page `offset` on.
///
/// See `dma_buf_mmap()`. Fails with `EINVAL`, `EOVERFLOW`, or what the exporter fails with.
pub(super) fn mmap(buf: &DmaBuf, area: &VmaNew, offset: usize) -> Result {
    if exporter(buf).has_mmap() && offset.checked_add(pages(area)).is_none() {
        return Err(EOVERFLOW);
    }
    check_mmap(buf, area, offset)?;

    set_file(area, buf, offset);
    trace::mmap(buf);
    exporter(buf).mmap(area)
}

/// Maps the buffer for the kernel, or counts one more user, and leaves the mapping in `place`. See
/// `dma_buf_vmap()`.
///
/// Fails with `EINVAL` if the exporter cannot map, or with what it fails with: running out of
/// address space is no bug and is not warned about.
#[inline(always)]
pub(super) fn vmap(buf: &Locked<'_, DmaBuf>, place: &mut Out<'_, iosys_map>) -> Result {
    let mapping = buf.vmapping();

    if !exporter(buf).has_vmap() {
        return Err(EINVAL);
    }
    mapping.get(|map| buf.exporter_vmap(map))?;
    place.put(mapping.map());
    Ok(())
}

/// Drops one user of the mapping. See `dma_buf_vunmap()`.
///
/// What was not mapped is left alone with a warning.
#[inline(always)]
pub(super) fn vunmap(buf: &Locked<'_, DmaBuf>, map: &mut iosys_map) {
    let mapping = buf.vmapping();

    if warn_on!(!mapping.is(map)) {
        return;
    }
    mapping.put(|| buf.exporter_vunmap(map));
}
