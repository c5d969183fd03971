// SPDX-License-Identifier: GPL-2.0

//! Scatter-gather tables over runs of pages, for the attachments of a page exporter.

use super::{
    handed_out::MappedTable,
    source::Pages, //
};
use crate::{
    alloc::KBox,
    bindings,
    device::Device,
    dma::DataDirection,
    dma_buf::buffer::DmaBuf,
    interop::any_thread::AnyThread,
    page::PAGE_SHIFT,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::atomic::Relaxed, //
};
use core::ptr::NonNull;

mod table;

use self::table::{
    Mapping,
    PageTable, //
};

pub use self::table::MAX_SG_ENTRY;
pub(super) use self::table::{
    Owner,
    SKIP_CPU_SYNC, //
};

/// The tables of one attachment: as many as its importer has mapped at the same time.
///
/// The first is filled when it is mapped for the first time, since some importers never do that,
/// and kept until the device is detached. An importer that maps once more before it unmaps gets
/// another table, which goes when it is unmapped.
///
/// # Invariants
///
/// - The tables in `more` are mapped. Each is found by the address of its `sgt`.
/// - `dev` is the device of the attachment, which outlives the tables; they are not moved once it
///   is there.
pub(super) struct PageTables {
    first: PageTable,
    /// The device that the first was mapped for.
    dev: Option<AnyThread<bindings::device>>,
    more: RBTree<usize, KBox<PageTable>>,
}

impl PageTables {
    /// No mappings, and no memory for any.
    pub(super) fn new() -> Result<KBox<Self>> {
        let memory = KBox::new_uninit(GFP_KERNEL)?;

        // INVARIANT: Nothing is mapped.
        Ok(KBox::write(
            memory,
            Self {
                first: PageTable::new(),
                dev: None,
                more: RBTree::new(),
            },
        ))
    }

    /// Maps the first table once more; `None` if that is not possible.
    #[inline(always)]
    pub(super) fn map_again(
        &mut self,
        dir: DataDirection,
        attrs: c_ulong,
    ) -> Option<Result<MappedTable>> {
        let dev = self.dev.filter(|_| self.first.is_ready())?;

        // SAFETY: By the type invariant.
        Some(unsafe { self.first.map(dev, dir, attrs) }.map(Into::into))
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
    ) -> Result<Mapping> {
        let mut another = if self.first.is_mapped() {
            let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
            let memory = KBox::new_uninit(GFP_KERNEL)?;
            Some((KBox::write(memory, PageTable::new()), node))
        } else {
            None
        };
        let table = match &mut another {
            Some((table, _)) => &mut **table,
            None => &mut self.first,
        };

        if table.is_empty() {
            // SAFETY: By the caller's guarantee.
            unsafe { table.fill(source, buf.size() >> PAGE_SHIFT) }?;
        }
        let dev = AnyThread::new(NonNull::new(dev.as_raw()).ok_or(EINVAL)?);
        // INVARIANT: By the caller's guarantee.
        self.dev = Some(dev);
        // SAFETY: By the caller's guarantee.
        let mapping = unsafe { table.map(dev, dir, attrs) }?;
        if let Some((table, node)) = another {
            // MODEL: none, because the reservation object is held.
            source.several().store(true, Relaxed);
            // INVARIANT: Mapped just above. There is no other table at this address.
            self.more
                .insert(node.into_node(table.as_raw().addr(), table));
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

        if table == self.first.as_raw() {
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
