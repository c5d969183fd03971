// SPDX-License-Identifier: GPL-2.0

//! What there is of a pool as long as there are buffers.

use super::{
    chore::{
        Chore,
        Tidy, //
    },
    counts::PoolLimits,
    shelf::{
        Taken,
        AT_A_TIME, //
    },
    shrinker::Shrink,
    stock::{
        Stock,
        ORDERS, //
    },
    trace::{
        dma_heap_pool_get,
        dma_heap_pool_put,
        dma_heap_pool_shrink,
        dma_heap_pool_zero, //
    },
};
use crate::{
    c_functions,
    dma_buf::exporter::{
        AllocEffort,
        PageBlock,
        PageBlocks,
        ReturnedBlocks, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        new_spinlock,
        SpinLock, //
    },
    time::{
        Delta,
        Msecs, //
    },
};
use core::{
    iter::{
        from_fn,
        once, //
    },
    mem::replace, //
};

c_functions! {
    // SAFETY: Anybody may ask, and sleep where an allocation may.
    unsafe extern "C" {
        #[link_name = "rust_helper_page_pool_node"]
        safe fn page_pool_node() -> c_int;
        #[link_name = "rust_helper_let_others_run"]
        safe fn let_others_run();
    }
}

/// How many pages are zeroed before others in the queue, and who waits for the processor, get it.
const ZERO_AT_A_TIME: usize = 256;

/// What there is of a pool, and stays as long as it or a buffer is there.
#[pin_data]
pub(super) struct Store {
    /// A copy of [`Stock::limit`].
    limit: Atomic<usize>,
    idle_ms: Msecs,
    zero_after_ms: Msecs,
    #[pin]
    pub(super) stock: SpinLock<Stock>,
}

impl Store {
    /// With nothing in it.
    pub(super) fn new(nodes: usize, limits: PoolLimits) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            limit: Atomic::new(limits.pages),
            idle_ms: limits.idle_ms,
            zero_after_ms: limits.zero_after_ms,
            stock <- new_spinlock!(Stock::new(nodes, limits.pages)?),
        }? Error)
    }

    /// Whether anything is kept.
    pub(super) fn is_on(&self) -> bool {
        // MODEL: none, because who has to know asks again with the lock held.
        self.limit.load(Relaxed) != 0
    }

    pub(super) fn set_limit(&self, pages: usize) {
        {
            let mut stock = self.stock.lock();

            stock.limit = pages;
            // MODEL: none, because it is a copy of what the lock guards, for who may be wrong.
            self.limit.store(pages, Relaxed);
        }
        self.free_above(pages);
    }

    /// Frees what is more than so many pages now. May sleep.
    fn free_above(&self, pages: usize) {
        let mut surplus = self.stock.lock().counts.held.saturating_sub(pages);

        while surplus > 0 {
            let going = self.stock.lock().reclaim(None, surplus);

            if going.pages == 0 {
                break;
            }
            surplus = surplus.saturating_sub(going.pages);
            drop(going);
            let_others_run();
        }
    }

    /// Frees all but what is just being zeroed.
    pub(super) fn drain(&self) {
        self.free_above(0);
    }

    /// Takes a block out, zeroed. What the hardware has reported as broken is freed.
    fn take(&self, order: u8) -> Option<PageBlock> {
        loop {
            // What is not where this task gets memory from is not for it.
            let node = page_pool_node();
            let taken = self.stock.lock().take(node, order.into());

            dma_heap_pool_get(
                order.into(),
                taken.is_some(),
                matches!(taken, Some(Taken::Clean(_))),
            );
            match taken? {
                Taken::Clean(block) if !block.is_broken() => return Some(block),
                Taken::Clean(_) => {}
                Taken::Used(used) => {
                    if let Ok(block) = used.clear() {
                        return Some(block);
                    }
                }
            }
        }
    }

    /// A block, zeroed, that is charged to nobody.
    fn find(&self, order: u8, effort: AllocEffort) -> Option<PageBlock> {
        // There are no such blocks, whatever is freed.
        if usize::from(order) >= ORDERS {
            return None;
        }
        self.take(order)
            .or_else(|| PageBlock::alloc(order, effort, false))
            .or_else(|| {
                if effort != AllocEffort::Required || !self.is_on() {
                    return None;
                }
                // What is kept for others is worth less than what fails here. If there is nothing,
                // another task may have just freed it.
                self.drain();
                PageBlock::alloc(order, effort, false)
            })
    }

    /// Frees what was not needed for long, now and then. Returns when to do it again.
    fn free_unneeded(&self) -> Msecs {
        let time = Delta::from_millis(i64::from(self.idle_ms / 2));
        let left = self.stock.lock().look_after(time);
        loop {
            // Freed when the lock is not held any more.
            let going = self.stock.lock().remove_unneeded();

            if going.pages == 0 {
                break;
            }
            drop(going);
            let_others_run();
        }
        Msecs::try_from(left.as_millis_ceil()).unwrap_or(self.idle_ms)
    }
}

impl Chore<Store> {
    /// A block, zeroed. With `account` it is charged to the memory cgroup of the current task.
    pub(super) fn alloc(&self, order: u8, effort: AllocEffort, account: bool) -> Option<PageBlock> {
        let block = self.find(order, effort)?;

        if account {
            self.charge(block, effort)
        } else {
            Some(block)
        }
    }

    /// What is charged here is charged to nobody yet, also if it is new: who has no room for it
    /// shall not have the pool freed, which is of no help to a group.
    fn charge(&self, block: PageBlock, effort: AllocEffort) -> Option<PageBlock> {
        let block = match block.charge(effort) {
            Ok(block) => return Some(block),
            Err(block) => block,
        };
        let mut stock = self.stock.lock();
        let refused = stock.put_clean(block).err();
        // There may have been nothing that somebody would find not to be needed.
        let hasten = refused.is_none() && !replace(&mut stock.expects_zeroing, true);

        drop(stock);
        // Freed when the lock is not held any more.
        drop(refused);
        if hasten {
            self.hasten(self.zero_after_ms);
        }
        None
    }

    /// Takes back what a buffer had, and what is charged to somebody if it is `charged`.
    pub(super) fn put(&self, blocks: PageBlocks, charged: bool) {
        let mut blocks = ReturnedBlocks::from(blocks, charged);
        let mut hasten = false;
        let (mut kept, mut refused_pages) = (0, 0);

        while let Some(first) = blocks.pop() {
            let some = from_fn(|| blocks.pop()).take(AT_A_TIME - 1);
            let mut refused = ReturnedBlocks::default();
            let mut stock = self.stock.lock();
            let before = (stock.counts.held, stock.counts.refused);

            for block in Iterator::chain(once(first), some) {
                match stock.put(block) {
                    Ok(()) => hasten |= !replace(&mut stock.expects_zeroing, true),
                    Err(block) => refused.push_first(block),
                }
            }
            kept += stock.counts.held - before.0;
            refused_pages += stock.counts.refused.wrapping_sub(before.1);
            drop(stock);
            // Freed when the lock is not held any more.
            drop(refused);
        }
        dma_heap_pool_put(kept, refused_pages);
        if hasten {
            self.hasten(self.zero_after_ms);
        }
    }
}

impl Tidy for Store {
    fn tidy(&self) -> Option<Msecs> {
        let mut pages = 0;

        while pages < ZERO_AT_A_TIME {
            let Some(used) = self.stock.lock().take_used() else {
                break;
            };

            pages += used.pages();

            let cleared = used.clear();
            // What is not kept is freed when the lock is not held any more.
            let freed = self.stock.lock().put_zeroed(cleared);

            drop(freed);
        }
        if pages > 0 {
            dma_heap_pool_zero(pages);
        }

        let next = self.free_unneeded();

        let mut stock = self.stock.lock();

        if stock.counts.used > 0 {
            return Some(0);
        }
        stock.expects_zeroing = false;
        (stock.counts.held > 0).then_some(next)
    }
}

impl Shrink for Chore<Store> {
    fn count(&self, node: c_int) -> usize {
        // Who sets the limit to 0 frees all, but for what is being zeroed, which goes after that.
        if !self.is_on() {
            return 0;
        }
        self.stock
            .try_lock()
            .map_or(0, |mut stock| stock.count(node))
    }

    fn free(&self, node: c_int, pages: usize) -> usize {
        let mut freed = 0;

        while freed < pages {
            let Some(mut stock) = self.stock.try_lock() else {
                break;
            };
            let going = stock.reclaim(Some(node), pages - freed);

            // Freed when the lock is not held any more.
            drop(stock);
            if going.pages == 0 {
                break;
            }
            freed += going.pages;
        }
        if freed > 0 {
            dma_heap_pool_shrink(freed);
        }
        freed
    }
}
