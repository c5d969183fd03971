// SPDX-License-Identifier: GPL-2.0

//! The blocks that a pool holds, by the node that they are on and by their order.

use super::{
    counts::{
        count,
        PoolCounts, //
    },
    shelf::{
        Going,
        Shelf,
        Taken, //
    },
};
use crate::{
    bindings,
    dma_buf::exporter::{
        PageBlock,
        ReturnedBlock,
        UsedBlock, //
    },
    prelude::*,
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
};

/// How many orders there are.
pub(super) const ORDERS: usize = bindings::MAX_PAGE_ORDER as usize + 1;

/// The blocks of a pool. The pages in here, and those that are being zeroed, are counted as
/// reclaimable.
///
/// # Invariants
///
/// There are `ORDERS` shelves for each node. They are empty when this goes, or the pages would stay
/// counted: the pool has set the limit to 0 before, and waited for who zeroes.
pub(super) struct Stock {
    shelves: KVVec<Shelf>,
    pub(super) counts: PoolCounts,
    /// No more pages than that are taken back.
    pub(super) limit: usize,
    /// Whether somebody is going to zero what is used soon.
    pub(super) expects_zeroing: bool,
    looked: Instant<Monotonic>,
}

/// The shelves of one order, of all these nodes.
fn of_order(shelves: &mut [Shelf], order: usize) -> impl Iterator<Item = &mut Shelf> {
    shelves.iter_mut().skip(order).step_by(ORDERS)
}

impl Stock {
    /// Nothing, with room for blocks of each node. Fails with `ENOMEM`.
    pub(super) fn new(nodes: usize, limit: usize) -> Result<Self> {
        let count = nodes.checked_mul(ORDERS).ok_or(ENOMEM)?;
        let mut shelves = KVVec::with_capacity(count, GFP_KERNEL)?;

        for _ in 0..count {
            shelves.push(Shelf::default(), GFP_KERNEL)?;
        }
        // INVARIANT: As it says.
        Ok(Self {
            shelves,
            counts: PoolCounts::default(),
            limit,
            expects_zeroing: false,
            looked: Instant::now(),
        })
    }

    /// The shelves of a node; none for one that there is not.
    fn shelves(&mut self, node: c_int) -> &mut [Shelf] {
        usize::try_from(node)
            .ok()
            .and_then(|node| self.shelves.chunks_exact_mut(ORDERS).nth(node))
            .unwrap_or_default()
    }

    fn shelf(&mut self, node: c_int, order: u32) -> Option<&mut Shelf> {
        self.shelves(node).get_mut(order as usize)
    }

    /// How many pages there are on this node.
    pub(super) fn count(&mut self, node: c_int) -> usize {
        self.shelves(node)
            .iter()
            .enumerate()
            .map(|(order, shelf)| (shelf.clean_blocks + shelf.used_blocks) << order)
            .sum()
    }

    /// A block that was taken out is not in here any more.
    fn leaves(&mut self, block: &PageBlock) {
        self.counts.held -= block.pages();
        block.set_reclaimable(false);
    }

    /// As [`leaves`](Self::leaves).
    fn used_leaves(&mut self, used: UsedBlock) -> UsedBlock {
        self.counts.used -= used.pages();
        self.counts.held -= used.pages();
        used.set_reclaimable(false);
        used
    }

    /// Takes a block out for a new user.
    pub(super) fn take(&mut self, node: c_int, order: u32) -> Option<Taken> {
        // No node is none of ours: that is a miss, too.
        match self.shelf(node, order).and_then(Shelf::pop) {
            Some(Taken::Clean(block)) => {
                count(&mut self.counts.hits, 1);
                self.leaves(&block);
                Some(Taken::Clean(block))
            }
            Some(Taken::Used(used)) => {
                count(&mut self.counts.late, 1);
                Some(Taken::Used(self.used_leaves(used)))
            }
            None => {
                count(&mut self.counts.misses, 1);
                None
            }
        }
    }

    /// Takes a block back from its user, unless it is to be freed.
    pub(super) fn put(&mut self, block: ReturnedBlock) -> Result<(), ReturnedBlock> {
        let (node, order) = block.place();
        let pages = block.pages();
        let has_room = self.counts.held.saturating_add(pages) <= self.limit;
        // There is a shelf for each node.
        let kept = match self.shelf(node, order) {
            Some(shelf) if has_room => UsedBlock::new(block).map(|used| {
                used.set_reclaimable(true);
                shelf.push_used(used);
            }),
            _ => Err(block),
        };

        match kept {
            Ok(()) => {
                self.counts.held += pages;
                self.counts.used += pages;
                Ok(())
            }
            Err(block) => {
                count(&mut self.counts.refused, pages);
                Err(block)
            }
        }
    }

    /// Takes a block that is zeroed, and that nobody has used since, unless it is to be freed.
    pub(super) fn put_clean(&mut self, block: PageBlock) -> Result<(), PageBlock> {
        let (node, order) = block.place();
        let pages = block.pages();

        if self.counts.held.saturating_add(pages) > self.limit {
            return Err(block);
        }
        match self.shelf(node, order) {
            Some(shelf) => {
                block.set_reclaimable(true);
                shelf.push_clean(block);
                self.counts.held += pages;
                Ok(())
            }
            None => Err(block),
        }
    }

    /// Takes a block out to zero it, for which it comes [back](Self::put_zeroed). The largest come
    /// first: they are the most work for who has to do it at once.
    pub(super) fn take_used(&mut self) -> Option<UsedBlock> {
        // It is counted as before meanwhile.
        for order in (0..ORDERS).rev() {
            for shelf in of_order(&mut self.shelves, order) {
                if let Some(used) = shelf.pop_used() {
                    return Some(used);
                }
            }
        }
        None
    }

    /// Takes a block back that was to be zeroed. What cannot be kept is to be freed.
    pub(super) fn put_zeroed(
        &mut self,
        result: Result<PageBlock, UsedBlock>,
    ) -> Result<(), Result<PageBlock, UsedBlock>> {
        let block = match result {
            Ok(block) => block,
            Err(broken) => return Err(Err(self.used_leaves(broken))),
        };
        let (node, order) = block.place();

        // The limit may have been lowered.
        let is_kept = self.counts.held <= self.limit;

        self.counts.used -= block.pages();
        count(&mut self.counts.zeroed, block.pages());
        match self.shelf(node, order) {
            Some(shelf) if is_kept => {
                shelf.push_clean(block);
                Ok(())
            }
            _ => {
                self.leaves(&block);
                Err(Ok(block))
            }
        }
    }

    /// Takes out some blocks that are to be freed, of one node or of all, until they are `pages` or
    /// a few more. It may have to be called again.
    pub(super) fn reclaim(&mut self, node: Option<c_int>, pages: usize) -> Going {
        let mut going = Going::default();
        let shelves = match node {
            Some(node) => self.shelves(node),
            None => &mut self.shelves,
        };

        for order in (0..ORDERS).rev() {
            for shelf in of_order(shelves, order) {
                while !going.is_full() && going.pages < pages {
                    if going.take_any(shelf).is_none() {
                        break;
                    }
                }
            }
        }
        self.gone(&going);
        // It is the shrinker that asks for one node.
        if node.is_some() {
            count(&mut self.counts.reclaimed, going.pages);
        } else {
            count(&mut self.counts.drained, going.pages);
        }
        going
    }

    /// Takes out some of the blocks that were found not to be needed. It may have to be called
    /// again.
    pub(super) fn remove_unneeded(&mut self) -> Going {
        let mut going = Going::default();

        for shelf in &mut self.shelves {
            while !going.is_full() && shelf.unneeded > 0 {
                shelf.unneeded -= 1;
                if going.take_clean(shelf).is_none() {
                    break;
                }
            }
        }
        self.gone(&going);
        count(&mut self.counts.idle, going.pages);
        going
    }

    fn gone(&mut self, going: &Going) {
        self.counts.held -= going.pages;
        self.counts.used -= going.used_pages;
    }

    /// Finds what was not needed since the last look, if that is so long ago. Returns when that
    /// will be.
    pub(super) fn look_after(&mut self, time: Delta) -> Delta {
        let left = time - self.looked.elapsed();

        if !left.is_negative() && !left.is_zero() {
            return left;
        }
        self.looked = Instant::now();
        for shelf in &mut self.shelves {
            shelf.unneeded = shelf.least;
            shelf.least = shelf.clean_blocks;
        }
        time
    }
}
