// SPDX-License-Identifier: GPL-2.0

//! A buffer in a process that has mapped another file.

use crate::{
    bindings,
    dma_buf::buffer::DmaBuf,
    error::to_result,
    fs::area::MmapVma,
    mm::virt::flags,
    prelude::*, //
};
use core::ptr;

/// What an area has that nobody has set up. `NULL` would say that it has no file.
///
/// Not a constant, of which each driver would have its own: an area outlives the module that has
/// made it.
static NO_OPERATIONS: bindings::vm_operations_struct = pin_init::zeroed();

impl DmaBuf {
    /// Maps the buffer, from page `page` on, into an area that was made for a file of the driver's
    /// own. From then on it is an area of the buffer, which it keeps, and not of the driver.
    ///
    /// Processes get the access that the driver's file allows, whatever that of the buffer does.
    /// Fails with `EINVAL` if the exporter cannot do that, or there are not as many pages; with
    /// `EOVERFLOW`; with `EBUSY` if the area is for something else already; as the exporter does.
    /// If it fails, `mmap()` is to fail, too: nothing else is to be seen there. May sleep; the
    /// reservation object must not be held.
    ///
    /// An area of a buffer is not handed on to another one, which is `EINVAL`: there would be no
    /// end to it.
    ///
    /// # Examples
    ///
    /// Files that show a buffer that somebody has imported:
    ///
    /// ```
    /// use kernel::{
    ///     dma_buf::DmaBuf,
    ///     fs::{area::MmapVma, operations::Operations},
    ///     prelude::*,
    ///     sync::aref::ARef,
    /// };
    ///
    /// struct Files;
    ///
    /// #[vtable]
    /// impl Operations for Files {
    ///     type Data = ARef<DmaBuf>;
    ///
    ///     fn mmap(buf: &DmaBuf, vma: MmapVma<'_>, offset: usize) -> Result {
    ///         buf.mmap(vma, offset)
    ///     }
    /// }
    /// ```
    #[inline]
    pub fn mmap(&self, vma: MmapVma<'_>, page: usize) -> Result {
        if vma.flags() & (flags::PFNMAP | flags::MIXEDMAP) != 0 {
            return Err(EBUSY);
        }
        self.resv().assert_not_held();

        let vma = vma.as_ptr();
        // SAFETY: By its type invariant the area is being set up, for a file, and nobody else uses
        // it, now or later. All buffers' files have the same operations. An exporter that fails may
        // have left its own there, which nobody would call in that case: then those from before
        // are put back, and what they belong to is still there.
        unsafe {
            if ptr::eq((*(*vma).vm_file).f_op, (*self.file().as_ptr()).f_op) {
                return Err(EINVAL);
            }
            let before = ((*vma).vm_ops, (*vma).vm_private_data);

            // An exporter that needs no operations leaves those that it finds.
            ((*vma).vm_ops, (*vma).vm_private_data) = (&raw const NO_OPERATIONS, ptr::null_mut());
            to_result(bindings::dma_buf_mmap(self.as_raw(), vma, page))
                .inspect_err(|_| ((*vma).vm_ops, (*vma).vm_private_data) = before)
        }
    }
}
