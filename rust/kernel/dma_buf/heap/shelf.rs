// SPDX-License-Identifier: GPL-2.0

//! Blocks of one size, and those that leave them.

use crate::dma_buf::exporter::{
    PageBlock,
    PageBlocks,
    UsedBlock,
    UsedBlocks, //
};

/// How many blocks are moved before the lock is let go: what is done for each is a few accesses.
pub(super) const AT_A_TIME: usize = 32;

/// Blocks of one order on one node.
#[derive(Default)]
pub(super) struct Shelf {
    clean: PageBlocks,
    used: UsedBlocks,
    /// How many there are of each.
    pub(super) clean_blocks: usize,
    pub(super) used_blocks: usize,
    /// The least number of clean ones since the last look: so many were not needed.
    pub(super) least: usize,
    /// How many of the clean ones are to be freed, since they were not needed.
    pub(super) unneeded: usize,
}

impl Shelf {
    pub(super) fn push_clean(&mut self, block: PageBlock) {
        self.clean.push_first(block);
        self.clean_blocks += 1;
    }

    pub(super) fn push_used(&mut self, block: UsedBlock) {
        self.used.push_first(block);
        self.used_blocks += 1;
    }

    pub(super) fn pop_clean(&mut self) -> Option<PageBlock> {
        let block = self.clean.pop()?;

        self.clean_blocks -= 1;
        self.least = self.least.min(self.clean_blocks);
        self.unneeded = self.unneeded.min(self.clean_blocks);
        Some(block)
    }

    pub(super) fn pop_used(&mut self) -> Option<UsedBlock> {
        let block = self.used.pop()?;

        self.used_blocks -= 1;
        Some(block)
    }

    /// A clean one rather than any other.
    pub(super) fn pop(&mut self) -> Option<Taken> {
        self.pop_clean()
            .map(Taken::Clean)
            .or_else(|| self.pop_used().map(Taken::Used))
    }
}

/// A block that was taken out.
pub(super) enum Taken {
    /// It may be given out.
    Clean(PageBlock),
    /// It has to be cleared before.
    Used(UsedBlock),
}

/// Blocks that were taken out to be freed, which is when this is dropped: with no lock held.
#[derive(Default)]
pub(super) struct Going {
    clean: PageBlocks,
    used: UsedBlocks,
    blocks: usize,
    /// How many of the pages nobody has zeroed.
    pub(super) used_pages: usize,
    /// How many pages.
    pub(super) pages: usize,
}

impl Going {
    pub(super) fn is_full(&self) -> bool {
        self.blocks >= AT_A_TIME
    }

    /// Counts a block.
    fn add(&mut self, pages: usize) {
        self.blocks += 1;
        self.pages += pages;
    }

    /// Takes a clean block off a shelf, if there is one.
    pub(super) fn take_clean(&mut self, shelf: &mut Shelf) -> Option<()> {
        let block = shelf.pop_clean()?;

        block.set_reclaimable(false);
        self.add(block.pages());
        self.clean.push_first(block);
        Some(())
    }

    /// Takes any block off a shelf, if there is one: first what nobody has zeroed yet.
    pub(super) fn take_any(&mut self, shelf: &mut Shelf) -> Option<()> {
        let Some(used) = shelf.pop_used() else {
            return self.take_clean(shelf);
        };

        used.set_reclaimable(false);
        self.add(used.pages());
        self.used_pages += used.pages();
        self.used.push_first(used);
        Some(())
    }
}
