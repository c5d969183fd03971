// SPDX-License-Identifier: GPL-2.0

//! Blocks of pages with what their last user has left there.

use super::block::{
    PageBlock,
    PageBlocks, //
};
use crate::{
    bindings,
    c_functions,
    prelude::*, //
};

c_functions! {
    // SAFETY: Anybody may ask.
    unsafe extern "C" {
        #[link_name = "rust_helper_memory_has_failed"]
        safe fn memory_has_failed() -> bool;
    }
}

impl PageBlock {
    /// Whether the hardware has reported any of it as broken. Nearly free if it never did.
    pub(in crate::dma_buf) fn is_broken(&self) -> bool {
        // MODEL: none, because a page that breaks right afterwards is as if it broke in use.
        memory_has_failed() && self.has_broken_page()
    }

    fn has_broken_page(&self) -> bool {
        cfg!(CONFIG_MEMORY_FAILURE)
            && self.run().pages().any(|page| {
                // SAFETY: The page is ours.
                unsafe { bindings::page_is_hwpoison(page.as_ptr()) }
            })
    }

    /// Number of pages.
    pub(in crate::dma_buf) fn pages(&self) -> usize {
        self.run().count()
    }

    /// The node that the memory is on, and the order of the block.
    pub(in crate::dma_buf) fn place(&self) -> (c_int, u32) {
        let node = self.run().page(0).map_or(-1, |page| page.nid());

        (node, self.order())
    }

    /// Counts the pages among what the kernel gives back when memory is short, or not any more.
    pub(in crate::dma_buf) fn set_reclaimable(&self, reclaimable: bool) {
        // CAST: A block has no more than 2^`MAX_PAGE_ORDER` pages.
        let pages = self.pages() as c_long;

        // SAFETY: The page is ours.
        unsafe {
            bindings::page_reclaimable(self.run().first(), if reclaimable { pages } else { -pages })
        };
    }
}

/// A block that its user is done with, and that nobody pays for any more. It is not for anybody
/// else: it becomes a [`UsedBlock`], or is freed on drop.
pub(in crate::dma_buf) struct ReturnedBlock(PageBlock);

impl ReturnedBlock {
    /// Number of pages.
    pub(in crate::dma_buf) fn pages(&self) -> usize {
        self.0.pages()
    }

    /// See [`PageBlock::place`].
    pub(in crate::dma_buf) fn place(&self) -> (c_int, u32) {
        self.0.place()
    }
}

/// Blocks of that kind, which are freed on drop.
#[derive(Default)]
pub(in crate::dma_buf) struct ReturnedBlocks(PageBlocks);

impl ReturnedBlocks {
    /// All that a user had, and has paid for if it is charged: that ends here.
    pub(in crate::dma_buf) fn from(mut blocks: PageBlocks, charged: bool) -> Self {
        if charged {
            blocks.uncharge();
        }
        Self(blocks)
    }

    /// Adds a block.
    pub(in crate::dma_buf) fn push_first(&mut self, block: ReturnedBlock) {
        self.0.push_first(block.0);
    }

    /// Takes one out, if the memory is not shared with a host.
    pub(in crate::dma_buf) fn pop(&mut self) -> Option<ReturnedBlock> {
        self.0.pop().map(ReturnedBlock)
    }
}

/// A block with what its last user has left there: the secrets of another process, perhaps. There
/// is no way to the memory but by [clearing](Self::clear) it. It is freed on drop.
///
/// # Invariants
///
/// Nobody else has a reference to the pages that lets them be written to: there was none but the
/// owner's when this was made.
pub(in crate::dma_buf) struct UsedBlock(PageBlock);

impl UsedBlock {
    /// A block that its user is done with. It comes back if there are references of others, for
    /// whom it is to be freed in the normal way: who has pinned the pages may still write to them.
    pub(in crate::dma_buf) fn new(block: ReturnedBlock) -> Result<Self, ReturnedBlock> {
        // The first page of a compound page has the references of all.
        //
        // MODEL: none, because whether it is cleared, which only writes, depends on this. What
        // others have written is ahead of it: they have given their references back by a full
        // operation.
        // SAFETY: The page is ours.
        if unsafe { bindings::page_ref_count(block.0.run().first()) } != 1 {
            return Err(block);
        }
        // INVARIANT: The only reference is the owner's, and nobody gets one of pages of which there
        // is no mapping any more, but to look at the page's state.
        Ok(Self(block.0))
    }

    /// Number of pages.
    pub(in crate::dma_buf) fn pages(&self) -> usize {
        self.0.pages()
    }

    /// See [`PageBlock::set_reclaimable`].
    pub(in crate::dma_buf) fn set_reclaimable(&self, reclaimable: bool) {
        self.0.set_reclaimable(reclaimable);
    }

    /// Overwrites the pages with zeroes. A block with memory that is broken comes back, to be freed
    /// as it would have been without a pool. Does not sleep.
    pub(in crate::dma_buf) fn clear(self) -> Result<PageBlock, Self> {
        if self.0.has_broken_page() {
            return Err(self);
        }

        let run = self.0.run();

        // SAFETY: The pages are ours, and by the type invariant nobody else uses them. Pages that
        // are not highmem are mapped in one piece.
        unsafe {
            if bindings::page_is_highmem(run.first()) {
                run.pages()
                    .for_each(|page| bindings::clear_highpage(page.as_ptr()));
            } else {
                // CAST: A block has no more than 2^`MAX_PAGE_ORDER` pages.
                let count = run.count() as c_uint;

                bindings::clear_pages(bindings::page_address(run.first()), count);
            }
            // MODEL: none, because the pages are ours, and nobody else looks at them.
            bindings::page_forget_caches(run.first());
        }
        Ok(self.0)
    }
}

/// Blocks of that kind.
#[derive(Default)]
pub(in crate::dma_buf) struct UsedBlocks(PageBlocks);

impl UsedBlocks {
    /// Adds a block.
    pub(in crate::dma_buf) fn push_first(&mut self, block: UsedBlock) {
        self.0.push_first(block.0);
    }

    /// Takes one out.
    pub(in crate::dma_buf) fn pop(&mut self) -> Option<UsedBlock> {
        // INVARIANT: Of none but such blocks is this made.
        self.0.pop().map(UsedBlock)
    }
}
