// SPDX-License-Identifier: GPL-2.0

//! Scatter-gather tables over runs of pages, for the attachments of a page exporter.

use super::{
    handed_out::Mapping,
    pages::PageRun, //
};
use crate::{
    alloc::KBox,
    bindings,
    device::Device,
    dma::DataDirection,
    error::to_result,
    page::{PAGE_MASK, PAGE_SHIFT},
    prelude::*,
    types::Opaque,
};
use core::ptr::NonNull;

/// The most bytes that one entry of a table can describe: its length is an `unsigned int`.
pub const MAX_SG_ENTRY: usize = u32::MAX as usize & PAGE_MASK;

/// A table of a buffer's pages for one attachment, which an importer may have mapped.
///
/// An attachment starts with one table, which is filled when it is mapped for the first time: some
/// importers never do. An importer that maps a second time before it unmaps gets a table of its
/// own, chained behind the first.
///
/// # Invariants
///
/// - `sgt` is an initialised `sg_table`. It is empty, or its entries name pages that outlive the
///   attachment.
/// - `mapped` is the direction in which `sgt` is mapped for the attachment's device, if it is. The
///   table does not move and does not change while it is.
pub(super) struct PageTable {
    sgt: Opaque<bindings::sg_table>,
    mapped: Option<DataDirection>,
    next: Option<KBox<PageTable>>,
}

// SAFETY: The table is not tied to a thread.
unsafe impl Send for PageTable {}

impl PageTable {
    /// Makes an empty table.
    #[inline]
    pub(super) fn new() -> Result<KBox<Self>> {
        Ok(KBox::new(
            // INVARIANT: A zeroed `sg_table` is an empty one.
            Self {
                sgt: Opaque::zeroed(),
                mapped: None,
                next: None,
            },
            GFP_KERNEL,
        )?)
    }

    /// Whether there is nothing in the table yet.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // SAFETY: `sgt` is initialised, and nobody else changes it.
        unsafe { (*self.sgt.get()).sgl.is_null() }
    }

    /// Fills an empty table with `runs`. On failure it stays empty.
    ///
    /// # Safety
    ///
    /// The runs' pages must stay valid until the table is dropped.
    #[inline]
    pub(super) unsafe fn fill<'a>(
        &mut self,
        runs: impl Iterator<Item = PageRun<'a>> + Clone,
    ) -> Result {
        let entries = runs
            .clone()
            .map(|run| run.size().div_ceil(MAX_SG_ENTRY))
            .sum::<usize>();

        // SAFETY: `sgt` is ours and empty.
        to_result(unsafe {
            bindings::sg_alloc_table(self.sgt.get(), entries.try_into()?, bindings::GFP_KERNEL)
        })?;

        // SAFETY: `sgt` was initialised just above.
        let mut entry = unsafe { (*self.sgt.get()).sgl };
        for run in runs {
            let mut rest = Some(run);
            while let Some(run) = rest {
                if entry.is_null() {
                    // The runs have changed between the two passes.
                    //
                    // SAFETY: `sgt` is initialised.
                    unsafe { bindings::sg_free_table(self.sgt.get()) };
                    return Err(EINVAL);
                }
                let part = run.truncate(MAX_SG_ENTRY >> PAGE_SHIFT);
                // SAFETY: `entry` is an entry of the table; the pages are valid by the caller's
                // guarantee; `MAX_SG_ENTRY` fits.
                unsafe { bindings::sg_set_page(entry, part.first(), part.size() as u32, 0) };
                // SAFETY: `entry` is an entry of the table.
                entry = unsafe { bindings::sg_next(entry) };
                rest = run.skip(part.count());
            }
        }
        if !entry.is_null() {
            // They have changed in the other way: an entry without a page must not be mapped.
            //
            // SAFETY: `sgt` is initialised.
            unsafe { bindings::sg_free_table(self.sgt.get()) };
            return Err(EINVAL);
        }
        Ok(())
    }

    /// The first table of the chain that is not mapped, if there is one.
    #[inline]
    pub(super) fn free(&mut self) -> Option<&mut Self> {
        let mut this = self;

        while this.mapped.is_some() {
            this = this.next.as_deref_mut()?;
        }
        Some(this)
    }

    /// Maps the table for `dev`. It must be filled and not mapped: fails with `EBUSY` otherwise.
    #[inline]
    pub(super) fn map(
        &mut self,
        dev: &Device,
        dir: DataDirection,
        attrs: c_ulong,
    ) -> Result<Mapping> {
        if self.mapped.is_some() || self.is_empty() {
            return Err(EBUSY);
        }
        // SAFETY: `sgt` is filled and not mapped; the device is attached.
        to_result(unsafe {
            bindings::dma_map_sgtable(dev.as_raw(), self.sgt.get(), dir.into(), attrs)
        })?;

        self.mapped = Some(dir);
        let sgt = NonNull::new(self.sgt.get()).ok_or(EINVAL)?;
        // SAFETY: Mapped just above, and the chain leaves a mapped table alone.
        Ok(unsafe { Mapping::from_raw(sgt) })
    }

    /// Unmaps the table that `mapping` stands for.
    #[inline]
    pub(super) fn unmap(&mut self, dev: &Device, mapping: Mapping, attrs: c_ulong) {
        let mut this = Some(self);
        while let Some(table) = this {
            if table.sgt.get() == mapping.as_raw().as_ptr() {
                if let Some(dir) = table.mapped.take() {
                    // SAFETY: By the type invariant the table is mapped in this direction.
                    unsafe {
                        bindings::dma_unmap_sgtable(
                            dev.as_raw(),
                            table.sgt.get(),
                            dir.into(),
                            attrs,
                        )
                    };
                }
                return;
            }
            this = table.next.as_deref_mut();
        }
    }

    /// Adds a table to the chain, behind this one.
    #[inline]
    pub(super) fn push(&mut self, mut table: KBox<PageTable>) {
        table.next = self.next.take();
        self.next = Some(table);
    }

    /// Hands what devices have written to the CPU, or what the CPU has written to the devices.
    #[inline]
    pub(super) fn sync(&mut self, dev: &Device, dir: DataDirection, to: Owner) {
        let mut this = Some(self);
        while let Some(table) = this {
            if table.mapped.is_some() {
                // SAFETY: By the type invariant the table is mapped for this device.
                unsafe {
                    match to {
                        Owner::Cpu => bindings::dma_sync_sgtable_for_cpu(
                            dev.as_raw(),
                            table.sgt.get(),
                            dir.into(),
                        ),
                        Owner::Device => bindings::dma_sync_sgtable_for_device(
                            dev.as_raw(),
                            table.sgt.get(),
                            dir.into(),
                        ),
                    }
                };
            }
            this = table.next.as_deref_mut();
        }
    }
}

impl Drop for PageTable {
    #[inline]
    fn drop(&mut self) {
        // An importer that detaches without unmapping is broken. The device may still be using
        // the memory; there is nothing safe to do but to say so.
        crate::warn_on!(self.mapped.is_some());
        // SAFETY: `sgt` is initialised, by the type invariant.
        unsafe { bindings::sg_free_table(self.sgt.get()) };
    }
}

/// Who is to see the memory's contents next.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    Cpu,
    Device,
}
