// SPDX-License-Identifier: GPL-2.0

//! Showing coherent memory to others than its device: to user space, and to other devices.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use super::Coherent;
use crate::{
    bindings,
    error::to_result,
    mm::virt::{
        flags,
        VmaNew, //
    },
    prelude::*,
    ptr::KnownSize, //
};

/// The owner of a piece of coherent memory, which it keeps for as long as it lives.
///
/// Who shares the memory keeps its owner alive. Each call may name another piece; what has been
/// named once stays until the owner is dropped, as the lifetimes demand.
pub trait CoherentOwner {
    /// The memory. Fails, with an error of the owner's choice, if it has none.
    fn coherent(&self) -> Result<&Coherent<[u8]>>;
}

impl<T: KnownSize + ?Sized> Coherent<T> {
    /// Maps this memory into user space, all that `vma` asks for at once.
    ///
    /// The area's page offset counts from the beginning of the memory. It is mapped as the memory
    /// was allocated, write-combined for instance. Fails with `ENXIO` if the area reaches beyond
    /// the memory, or the device's memory cannot be mapped; with `EBUSY` if something else has been
    /// mapped there; with `ENOMEM`. May sleep.
    ///
    /// # Safety
    ///
    /// The memory must outlive `vma` and all areas that become of it when it is split or inherited.
    /// `vma` must not be used to set it up as something else afterwards, such as by
    /// [`VmaNew::set_mixedmap`].
    pub unsafe fn mmap(&self, vma: &VmaNew) -> Result {
        if vma.flags() & (flags::PFNMAP | flags::MIXEDMAP) != 0 {
            return Err(EBUSY);
        }
        // SAFETY: By the type invariant the addresses are those of an allocation of this size, made
        // with these attributes; `vma` is being set up. It does not outlive the memory, by the
        // caller's guarantee.
        to_result(unsafe {
            bindings::dma_mmap_attrs(
                self.dev.as_raw(),
                vma.as_ptr(),
                self.cpu_addr.as_ptr().cast(),
                self.dma_addr,
                self.size(),
                self.dma_attrs.as_raw(),
            )
        })
    }

    /// Fills `table` with the pages of this memory, in as few entries as they need.
    ///
    /// Fails with `EINVAL` if the memory is longer than an entry can say, with `ENXIO` if the
    /// device's memory has no pages, and with `ENOMEM`; the table is empty then. May sleep.
    ///
    /// # Safety
    ///
    /// `table` must be an empty table, and the memory must outlive what is in it.
    pub(crate) unsafe fn fill_table(&self, table: *mut bindings::sg_table) -> Result {
        if u32::try_from(self.size()).is_err() {
            return Err(EINVAL);
        }
        // SAFETY: As in `mmap`; the table is empty, by the caller's guarantee.
        to_result(unsafe {
            bindings::dma_get_sgtable_attrs(
                self.dev.as_raw(),
                table,
                self.cpu_addr.as_ptr().cast(),
                self.dma_addr,
                self.size(),
                self.dma_attrs.as_raw(),
            )
        })
    }
}
