// SPDX-License-Identifier: GPL-2.0

//! One table, and how it is mapped.

use crate::{
    bindings,
    dma::DataDirection,
    dma_buf::exporter::{
        handed_out::MappedTable,
        run::PageRun,
        source::Pages, //
    },
    error::to_result,
    interop::{
        any_thread::AnyThread,
        object::Object, //
    },
    page::{
        PAGE_MASK,
        PAGE_SHIFT, //
    },
    prelude::*,
    sync::atomic::{
        atomic_load,
        Relaxed, //
    }, //
};
use core::ptr::NonNull;

/// The most bytes that one entry of a table can describe: its length is an `unsigned int`.
pub const MAX_SG_ENTRY: usize = u32::MAX as usize & PAGE_MASK;

/// The attribute of mappings that leave the contents alone, both ways.
///
/// The tables are then synchronised here, where that cannot take anything back that the CPU has
/// written: for the device when they are mapped; for the CPU when its access begins, and for the
/// device when that ends; and when they are unmapped, so that a cache holds nothing from before the
/// device has written.
pub(in super::super) const SKIP_CPU_SYNC: c_ulong = bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong;

/// A table of a buffer's pages.
///
/// # Invariants
///
/// - `sgt` is an initialised `sg_table`. It is empty, or its entries name pages that outlive the
///   attachment.
/// - `mapped` says for which device, in which direction and with which attributes `sgt` is mapped,
///   if it is. The table does not move and does not change while it is.
// In this order: the device and the first entry are read together.
#[repr(C)]
pub(super) struct PageTable {
    mapped: Option<Mapped>,
    sgt: Object<bindings::sg_table>,
}

/// How a table is mapped. The device is that of the attachment, which outlives it.
#[repr(C)]
struct Mapped {
    dir: bindings::dma_data_direction,
    attrs: c_ulong,
    dev: AnyThread<bindings::device>,
}

/// What is made a [`MappedTable`] of: one word, which needs no memory to be returned in.
///
/// # Invariants
///
/// Those of a [`MappedTable`] hold for it, and the attachment whose tables it came from.
#[must_use = "what is mapped stays until it is given back"]
pub(in super::super) struct Mapping(NonNull<bindings::sg_table>);

impl From<Mapping> for MappedTable {
    #[inline(always)]
    fn from(mapping: Mapping) -> Self {
        // SAFETY: By the type invariants. The exporter of such tables calls neither
        // `unmap_coherent` nor `unmap_bus`.
        unsafe { Self::from_raw(mapping.0) }
    }
}

impl PageTable {
    /// An empty table.
    #[inline]
    pub(super) fn new() -> Self {
        // INVARIANT: A zeroed `sg_table` is an empty one.
        Self {
            sgt: Object::zeroed(),
            mapped: None,
        }
    }

    /// The C table.
    #[inline(always)]
    pub(super) fn as_raw(&self) -> *mut bindings::sg_table {
        self.sgt.get()
    }

    /// Whether there is nothing in the table yet.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.first().is_null()
    }

    /// Whether it is mapped.
    #[inline(always)]
    pub(super) fn is_mapped(&self) -> bool {
        self.mapped.is_some()
    }

    /// The first entry, or NULL.
    #[inline]
    fn first(&self) -> *mut bindings::scatterlist {
        // SAFETY: `sgt` is initialised, and nobody else changes it.
        unsafe { (*self.sgt.get()).sgl }
    }

    /// Fills an empty table with the pages of `source`, which must be `pages`. On failure it stays
    /// empty.
    ///
    /// # Safety
    ///
    /// The pages must stay valid until the table is dropped.
    pub(super) unsafe fn fill(&mut self, source: &dyn Pages, pages: usize) -> Result {
        let mut entries = 0usize;

        source.each_joined(&mut |run: PageRun<'_>| {
            entries = entries.saturating_add(run.size().div_ceil(MAX_SG_ENTRY));
            true
        });

        // SAFETY: `sgt` is ours and empty.
        to_result(unsafe {
            bindings::sg_alloc_table(self.sgt.get(), entries.try_into()?, bindings::GFP_KERNEL)
        })?;

        let mut entry = self.first();
        let mut missing = pages;
        let mut fits = true;
        source.each_joined(&mut |run: PageRun<'_>| {
            let mut rest = Some(run);
            while let Some(run) = rest {
                let part = run.truncate(MAX_SG_ENTRY >> PAGE_SHIFT);

                fits = !entry.is_null() && part.count() <= missing;
                if !fits {
                    break;
                }
                // SAFETY: `entry` is an entry of the table; the pages are valid by the caller's
                // guarantee; `MAX_SG_ENTRY` fits.
                entry = unsafe {
                    bindings::sg_set_page(entry, part.first(), part.size() as u32, 0);
                    bindings::sg_next(entry)
                };
                missing -= part.count();
                rest = run.skip(part.count());
            }
            fits
        });
        if fits && entry.is_null() && missing == 0 {
            return Ok(());
        }
        // The runs are more or less than the buffer, whose size everybody relies on. Or they have
        // changed between the two passes: an entry without a page must not be mapped.
        self.empty();
        Err(EINVAL)
    }

    /// Frees the entries, if there are any. The table must not be mapped.
    #[inline]
    fn empty(&mut self) {
        // SAFETY: `sgt` is initialised, by the type invariant.
        unsafe { bindings::sg_free_table(self.sgt.get()) };
    }

    /// Whether the table is filled and not mapped.
    #[inline(always)]
    pub(super) fn is_ready(&self) -> bool {
        !self.is_mapped() && !self.is_empty()
    }

    /// Maps the table, which must be [ready](Self::is_ready): fails with `EBUSY` otherwise.
    ///
    /// # Safety
    ///
    /// The device must outlive the table, which must not be moved.
    #[inline(always)]
    pub(super) unsafe fn map(
        &mut self,
        dev: AnyThread<bindings::device>,
        dir: DataDirection,
        attrs: c_ulong,
    ) -> Result<Mapping> {
        if !self.is_ready() {
            return Err(EBUSY);
        }
        // Caches are to be written back and never just emptied, which some machines (32-bit ARM) do
        // for a device that only writes. As far as they know this one reads, too.
        let skip_sync = attrs & SKIP_CPU_SYNC != 0;
        let dir = match dir {
            DataDirection::FromDevice if skip_sync => DataDirection::Bidirectional,
            dir => dir,
        }
        .into();
        let sgt = NonNull::new(self.sgt.get()).ok_or(EINVAL)?;

        // Noted before, so that less has to be kept meanwhile.
        // INVARIANT: True once it is mapped below, taken back if that fails; nobody else looks.
        // MODEL: table-mapped
        self.mapped = Some(Mapped { dir, attrs, dev });
        // SAFETY: `sgt` is filled and was not mapped; the device is there. Once it is mapped, what
        // the CPU has written before is for the device, and the table is left alone.
        let err = unsafe {
            let (dev, sgt) = (dev.as_ptr(), sgt.as_ptr());

            let err = bindings::dma_map_sgtable(dev, sgt, dir, attrs);
            if err == 0 && skip_sync {
                bindings::dma_sync_sgtable_for_device(dev, sgt, dir);
            }
            err
        };
        if err != 0 {
            // INVARIANT: It is not mapped.
            self.mapped = None;
            return Err(Error::from_errno(err));
        }
        // INVARIANT: Mapped just above.
        Ok(Mapping(sgt))
    }

    /// Undoes [`map`](Self::map), if the table is mapped. Returns whether it was.
    #[inline(always)]
    pub(super) fn unmap(&mut self) -> bool {
        // INVARIANT: Unmapped below, before anybody looks.
        // MODEL: table-mapped
        let Some(Mapped { dir, attrs, dev }) = self.mapped.take() else {
            return false;
        };
        let (dev, sgt) = (dev.as_ptr(), self.sgt.get());

        // SAFETY: By the type invariant the table was mapped as it said, and its device, being
        // attached, is there.
        unsafe {
            // What the device has written to leaves the CPU's caches: first what the CPU has
            // written, then all the rest.
            if attrs & SKIP_CPU_SYNC == 0 || bindings::dev_is_dma_coherent(dev) {
                bindings::dma_unmap_sgtable(dev, sgt, dir, attrs);
            } else {
                elsewhere(move || {
                    if bindings::use_dma_iommu(dev) || !bindings::get_dma_ops(dev).is_null() {
                        bindings::dma_sync_sgtable_for_device(dev, sgt, dir);
                        bindings::dma_sync_sgtable_for_cpu(dev, sgt, dir);
                    } else {
                        // The entries for a device without an IOMMU are mapped one by one.
                        let mut entry = (*sgt).sgl;
                        while !entry.is_null() {
                            bindings::sg_flush(dev, entry, dir);
                            entry = bindings::sg_next(entry);
                        }
                    }
                    bindings::dma_unmap_sgtable(dev, sgt, dir, attrs);
                });
            }
        }
        true
    }

    /// Hands what is mapped to its next owner.
    #[inline(always)]
    pub(super) fn sync(&mut self, dir: DataDirection, to: Owner) {
        // MODEL: table-mapped
        let Some(Mapped { dev, .. }) = &self.mapped else {
            return;
        };
        let (dev, sgt, dir) = (dev.as_ptr(), self.sgt.get(), dir.into());

        // SAFETY: By the type invariant the table is mapped for this device.
        unsafe {
            // Before the table is looked at, for the sake of those who need nothing.
            if !needs_sync(dev) {
                return;
            }
            match to {
                Owner::Cpu => bindings::dma_sync_sgtable_for_cpu(dev, sgt, dir),
                Owner::Device => bindings::dma_sync_sgtable_for_device(dev, sgt, dir),
            }
        };
    }
}

impl Drop for PageTable {
    fn drop(&mut self) {
        // An importer that detaches without unmapping is broken. Its device loses its addresses
        // here, ahead of the memory.
        crate::warn_on!(self.unmap());
        self.empty();
    }
}

/// `dma_dev_need_sync()`, but never a call: a CPU access asks for each attachment.
///
/// # Safety
///
/// `dev` must be valid.
#[inline(always)]
unsafe fn needs_sync(dev: *mut bindings::device) -> bool {
    const SKIPS: usize = bindings::struct_device_flags_DEV_FLAG_DMA_SKIP_SYNC as usize;
    const BITS: usize = c_ulong::BITS as usize;

    if !cfg!(all(CONFIG_HAS_DMA, CONFIG_DMA_NEED_SYNC)) {
        return false;
    }
    // MODEL: none, because the mapping that needs it clears the flag, before this table is mapped.
    // SAFETY: The device is valid, and each access of its flags is atomic.
    let flags = unsafe { atomic_load(&raw mut (*dev).flags[SKIPS / BITS], Relaxed) };

    flags & 1 << (SKIPS % BITS) == 0 || cfg!(CONFIG_DMA_API_DEBUG)
}

/// Keeps what is long out of what is called often.
#[inline(never)]
fn elsewhere(f: impl FnOnce()) {
    f();
}

/// Who is to see the memory's contents next.
#[derive(Clone, Copy)]
pub(in super::super) enum Owner {
    Cpu,
    Device,
}
