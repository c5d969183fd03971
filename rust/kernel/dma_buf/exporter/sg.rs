// SPDX-License-Identifier: GPL-2.0

//! Scatter-gather tables over runs of pages, for the attachments of a page exporter.

use super::{
    handed_out::MappedTable,
    run::PageRun,
    source::Pages, //
};
use crate::{
    alloc::KBox,
    bindings,
    device::Device,
    dma::DataDirection,
    dma_buf::buffer::DmaBuf,
    error::to_result,
    interop::{
        any_thread::AnyThread,
        object::Object, //
    },
    page::{PAGE_MASK, PAGE_SHIFT},
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::atomic::Relaxed, //
};
use core::ptr::NonNull;

/// The most bytes that one entry of a table can describe: its length is an `unsigned int`.
pub const MAX_SG_ENTRY: usize = u32::MAX as usize & PAGE_MASK;

/// The attribute of mappings that leave the contents alone, both ways.
///
/// The tables are then synchronised here, where that cannot take anything back that the CPU has
/// written: from the CPU to the device when they are mapped; both ways in [`PageTables::sync`]; and
/// when they are unmapped, so that a cache holds nothing from before the device has written.
pub(super) const SKIP_CPU_SYNC: c_ulong = bindings::DMA_ATTR_SKIP_CPU_SYNC as c_ulong;

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
struct PageTable {
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

impl PageTable {
    /// An empty table.
    #[inline]
    fn new() -> Self {
        // INVARIANT: A zeroed `sg_table` is an empty one.
        Self {
            sgt: Object::zeroed(),
            mapped: None,
        }
    }

    /// The first entry; NULL if there is nothing in the table yet.
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
    unsafe fn fill(&mut self, source: &dyn Pages, pages: usize) -> Result {
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
    fn is_ready(&self) -> bool {
        self.mapped.is_none() && !self.first().is_null()
    }

    /// Maps the table, which must be [ready](Self::is_ready): fails with `EBUSY` otherwise.
    #[inline(always)]
    fn map(
        &mut self,
        dev: AnyThread<bindings::device>,
        dir: DataDirection,
        attrs: c_ulong,
    ) -> Result<MappedTable> {
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

        // SAFETY: `sgt` is filled and not mapped; the device is attached. Once it is mapped, what
        // the CPU has written before is for the device, and the table is left alone.
        let mapping = unsafe {
            let (dev, sgt_ptr) = (dev.as_ptr(), sgt.as_ptr());

            let err = bindings::dma_map_sgtable(dev, sgt_ptr, dir, attrs);
            if err != 0 {
                to_result(err)?;
            }
            if skip_sync {
                bindings::dma_sync_sgtable_for_device(dev, sgt_ptr, dir);
            }
            MappedTable::from_raw(sgt)
        };
        // INVARIANT: Mapped just above.
        self.mapped = Some(Mapped { dir, attrs, dev });
        Ok(mapping)
    }

    /// Undoes [`map`](Self::map), if the table is mapped. Returns whether it was.
    #[inline(always)]
    fn unmap(&mut self) -> bool {
        let Some(Mapped { dir, attrs, dev }) = &self.mapped else {
            return false;
        };
        let (dir, attrs, dev, sgt) = (*dir, *attrs, dev.as_ptr(), self.sgt.get());

        // SAFETY: By the type invariant the table is mapped in this way, and its device, being
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
        // INVARIANT: Not mapped any more.
        self.mapped = None;
        true
    }

    /// See [`PageTables::sync`].
    #[inline(always)]
    fn sync(&mut self, dir: DataDirection, to: Owner) {
        let Some(Mapped { dev, .. }) = &self.mapped else {
            return;
        };
        let (dev, sgt, dir) = (dev.as_ptr(), self.sgt.get(), dir.into());

        // SAFETY: By the type invariant the table is mapped for this device.
        unsafe {
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

/// Keeps what is long out of what is called often.
#[inline(never)]
fn elsewhere(f: impl FnOnce()) {
    f();
}

/// The tables of one attachment: as many as its importer has mapped at the same time.
///
/// The first is filled when it is mapped for the first time, since some importers never do that,
/// and kept until the device is detached. An importer that maps once more before it unmaps gets
/// another table, which goes when it is unmapped.
///
/// # Invariants
///
/// The tables in `more` are mapped. Each is found by the address of its `sgt`.
pub(super) struct PageTables {
    first: PageTable,
    /// The device that the first was mapped for, which is that of the attachment and outlives it.
    dev: Option<AnyThread<bindings::device>>,
    more: RBTree<usize, KBox<PageTable>>,
}

impl PageTables {
    /// No mappings, and no memory for any.
    pub(super) fn new() -> Result<KBox<Self>> {
        // INVARIANT: Nothing is mapped.
        Ok(KBox::new(
            Self {
                first: PageTable::new(),
                dev: None,
                more: RBTree::new(),
            },
            GFP_KERNEL,
        )?)
    }

    /// Maps the first table once more; `None` if that is not possible.
    #[inline(always)]
    pub(super) fn map_again(
        &mut self,
        dir: DataDirection,
        attrs: c_ulong,
    ) -> Option<Result<MappedTable>> {
        let dev = self.dev.filter(|_| self.first.is_ready())?;

        Some(self.first.map(dev, dir, attrs))
    }

    /// Maps the pages of `source` for `dev`, the device of the attachment.
    ///
    /// Fails with `EINVAL` if they are not as many as `buf` has; with `ENOMEM`; as the device's DMA
    /// operations.
    ///
    /// # Safety
    ///
    /// The pages must stay valid until the tables are dropped, and so must the device. The tables
    /// must not be moved.
    #[inline(never)]
    pub(super) unsafe fn map(
        &mut self,
        source: &dyn Pages,
        buf: &DmaBuf,
        dev: &Device,
        dir: DataDirection,
        attrs: c_ulong,
    ) -> Result<MappedTable> {
        let mut another = if self.first.mapped.is_some() {
            let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
            Some((KBox::new(PageTable::new(), GFP_KERNEL)?, node))
        } else {
            None
        };
        let table = match &mut another {
            Some((table, _)) => &mut **table,
            None => &mut self.first,
        };

        if table.first().is_null() {
            // SAFETY: By the caller's guarantee.
            unsafe { table.fill(source, buf.size() >> PAGE_SHIFT) }?;
        }
        let dev = AnyThread::new(NonNull::new(dev.as_raw()).ok_or(EINVAL)?);
        // INVARIANT: By the caller's guarantee.
        self.dev = Some(dev);
        let mapping = table.map(dev, dir, attrs)?;
        if let Some((table, node)) = another {
            // MODEL: none, because the reservation object is held.
            source.several().store(true, Relaxed);
            // INVARIANT: Mapped just above. There is no other table at this address.
            self.more
                .insert(node.into_node(table.sgt.get().addr(), table));
        }
        Ok(mapping)
    }

    /// Unmaps the table that `mapping` stands for.
    #[inline(always)]
    pub(super) fn unmap(&mut self, mapping: MappedTable) {
        self.unmap_one(mapping.as_raw());
    }

    // Given one word, and called last, it needs nothing of its caller.
    #[inline(never)]
    fn unmap_one(&mut self, table: NonNull<bindings::sg_table>) {
        let table = table.as_ptr();

        if table == self.first.sgt.get() {
            self.first.unmap();
        } else {
            self.unmap_other(table.addr());
        }
    }

    #[cold]
    fn unmap_other(&mut self, table: usize) {
        if let Some(mut table) = self.more.remove(&table) {
            table.unmap();
        }
    }

    /// Hands what devices have written to the CPU, or what the CPU has written to the devices, of
    /// what is mapped once. The rest is for [`sync_others`](Self::sync_others).
    #[inline(always)]
    pub(super) fn sync(&mut self, dir: DataDirection, to: Owner) {
        self.first.sync(dir, to);
    }

    /// See [`sync`](Self::sync). There is nothing to do where [`Pages::several`] says so.
    #[cold]
    pub(super) fn sync_others(&mut self, dir: DataDirection, to: Owner) {
        for table in self.more.values_mut() {
            table.sync(dir, to);
        }
    }
}

/// Who is to see the memory's contents next.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    Cpu,
    Device,
}
