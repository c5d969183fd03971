// SPDX-License-Identifier: GPL-2.0

//! Owners of pages.

use super::run::{
    PageRun,
    RunPages, //
};
use crate::{
    bindings,
    interop::any_thread::AnyThread,
    memcg::Chargeable,
    page::{
        AsPageIter,
        PAGE_SIZE, //
    },
};
use core::{
    marker::PhantomData,
    mem::{
        forget,
        ManuallyDrop, //
    },
    ptr::{
        null_mut,
        with_exposed_provenance_mut,
        NonNull, //
    },
};

#[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
use crate::{
    error::to_result,
    prelude::*, //
};

/// How hard the page allocator shall try.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AllocEffort {
    /// Take what is there at once, or fail quietly: the caller has something smaller in mind.
    Opportunistic,
    /// Reclaim and wait as for any other memory of a process.
    Required,
}

impl AllocEffort {
    /// For zeroed memory, which a charge does not look at.
    #[inline]
    fn gfp(self) -> bindings::gfp_t {
        let mut gfp = bindings::GFP_HIGHUSER | bindings::__GFP_ZERO;

        if self == Self::Opportunistic {
            gfp |= bindings::__GFP_NOWARN | bindings::__GFP_NORETRY;
            gfp &= !bindings::__GFP_RECLAIM;
        }
        gfp
    }
}

/// An owned block of `2^order` zeroed, physically contiguous pages for the use of user space.
///
/// The memory may be highmem. It is freed on drop.
///
/// # Invariants
///
/// `first` came from `alloc_pages()`, as a compound page if it is more than one page, and is freed
/// only by this object.
pub struct PageBlock {
    first: AnyThread<bindings::page>,
}

impl PageBlock {
    /// Allocates a block; with `account` its pages are charged to the caller's memory cgroup.
    ///
    /// Returns `None` if there is no memory, or no block is that large. May sleep.
    #[inline]
    pub fn alloc(order: u8, effort: AllocEffort, account: bool) -> Option<Self> {
        let mut gfp = effort.gfp();

        // The allocator warns of more.
        if u32::from(order) > bindings::MAX_PAGE_ORDER {
            return None;
        }
        if order > 0 {
            gfp |= bindings::__GFP_COMP;
        }
        if account {
            gfp |= bindings::__GFP_ACCOUNT;
        }

        // SAFETY: Any flags and order are allowed; the result may be NULL.
        let first = NonNull::new(unsafe { bindings::alloc_pages(gfp, order.into()) })?;

        // INVARIANT: Just allocated.
        Some(Self {
            first: AnyThread::new(first),
        })
    }

    /// The pages, for a charge.
    #[inline]
    fn chargeable(&mut self) -> Chargeable<'_> {
        let order = self.order();

        // SAFETY: By the type invariant the pages are ours, who are borrowed exclusively. They are
        // one piece: the page allocator charges and uncharges them as such.
        unsafe { Chargeable::new(self.first.get(), 1 << order, order) }
    }

    /// Charges a block that is not charged to the memory cgroup of the current task, as
    /// [`alloc`](Self::alloc) does. Without room it comes back. May sleep.
    #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
    pub(in crate::dma_buf) fn charge(mut self, effort: AllocEffort) -> Result<Self, Self> {
        match self.chargeable().charge(effort.gfp()) {
            Ok(()) => Ok(self),
            Err(_) => Err(self),
        }
    }

    /// Gives the block up, which can never be used again. Nobody shall pay for it for ever.
    // Where it can come to that, who frees blocks has nothing in registers for it.
    #[cfg_attr(CONFIG_ARCH_HAS_MEM_ENCRYPT, cold, inline(never))]
    #[cfg_attr(not(CONFIG_ARCH_HAS_MEM_ENCRYPT), inline)]
    fn leak(mut self) {
        if cfg!(CONFIG_ARCH_HAS_MEM_ENCRYPT) {
            self.chargeable().uncharge();
        }
        forget(self);
    }

    #[inline]
    pub(super) fn order(&self) -> u32 {
        // SAFETY: By the type invariant; a page that is not compound is of order 0.
        unsafe { bindings::compound_order(self.first.as_ptr()) }
    }

    /// Size in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        PAGE_SIZE << self.order()
    }

    /// The pages.
    #[inline]
    pub fn run(&self) -> PageRun<'_> {
        // SAFETY: `alloc_pages()` gives contiguous pages, zeroed, which are ours while `self` is
        // borrowed.
        unsafe { PageRun::from_raw(self.first.get(), 1 << self.order()) }
    }
}

impl AsPageIter for PageBlock {
    type Iter<'a> = RunPages<'a>;

    #[inline]
    fn page_iter(&mut self) -> RunPages<'_> {
        self.run().pages()
    }
}

impl Drop for PageBlock {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant the block is ours and has this order.
        unsafe { bindings::__free_pages(self.first.as_ptr(), self.order()) };
    }
}

/// Owned blocks of pages, in the order in which they were added.
///
/// They are chained by the `private` field of their first pages, so that no memory is needed to
/// keep them.
///
/// # Invariants
///
/// `first`, if there is one, starts a chain of pages that ends with `last` and NULL. Each is the
/// first page of a [`PageBlock`] that this object owns. If `shared` is set, some of the memory may
/// be shared with the host of a confidential virtual machine.
pub struct PageBlocks {
    first: Option<AnyThread<bindings::page>>,
    last: Option<AnyThread<bindings::page>>,
    shared: bool,
}

impl PageBlocks {
    /// No blocks.
    #[inline]
    pub const fn new() -> Self {
        Self {
            first: None,
            last: None,
            shared: false,
        }
    }

    /// Appends a block.
    #[inline]
    pub fn push(&mut self, block: PageBlock) {
        let page = ManuallyDrop::new(block).first;

        // SAFETY: The block's first page is ours, and so is that of the last block.
        unsafe {
            bindings::set_page_private(page.as_ptr(), 0);
            if let Some(last) = self.last {
                bindings::set_page_private(last.as_ptr(), page.as_ptr().expose_provenance());
            }
        }
        self.first.get_or_insert(page);
        self.last = Some(page);
    }

    /// Allocates a block as [`PageBlock::alloc`] does, and appends it. Returns whether that worked.
    #[inline]
    pub fn add(&mut self, order: u8, effort: AllocEffort, account: bool) -> bool {
        PageBlock::alloc(order, effort, account)
            .map(|block| self.push(block))
            .is_some()
    }

    /// Puts a block ahead of the others.
    #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
    pub(in crate::dma_buf) fn push_first(&mut self, block: PageBlock) {
        let page = ManuallyDrop::new(block).first;
        let next = self.first.map_or(null_mut(), AnyThread::as_ptr);

        // SAFETY: The block's first page is ours.
        unsafe { bindings::set_page_private(page.as_ptr(), next.expose_provenance()) };
        // INVARIANT: The chain begins with the block now, and ends with it if it was empty.
        self.first = Some(page);
        self.last.get_or_insert(page);
    }

    /// Takes the first block out. Of memory that is [shared](Self::is_shared) none is to be had.
    #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
    pub(in crate::dma_buf) fn pop(&mut self) -> Option<PageBlock> {
        let first = self.first.filter(|_| !self.shared)?;

        // SAFETY: The first page of a block is ours; the field holds NULL or the next one's.
        let next = unsafe { bindings::page_private(first.as_ptr()) };

        // INVARIANT: The chain is what followed.
        self.first = NonNull::new(with_exposed_provenance_mut(next)).map(AnyThread::new);
        if self.first.is_none() {
            self.last = None;
        }
        // INVARIANT: The block was ours, and is not in the chain any more.
        Some(PageBlock { first })
    }

    /// The blocks are charged to nobody any more, if they were.
    #[cfg(CONFIG_DMABUF_HEAPS_POOL)]
    pub(in crate::dma_buf) fn uncharge(&mut self) {
        for run in self.runs() {
            let mut block = ManuallyDrop::new(PageBlock {
                first: AnyThread::new(run.first_page()),
            });

            block.chargeable().uncharge();
        }
    }

    /// The pages, block by block.
    #[inline]
    pub fn runs(&self) -> PageBlockRuns<'_> {
        PageBlockRuns {
            next: self.first.map_or(null_mut(), AnyThread::as_ptr),
            _p: PhantomData,
        }
    }

    /// Whether the memory is shared with the host of a confidential virtual machine.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Shares the memory with the host of a confidential virtual machine.
    ///
    /// It becomes private again before it is freed; what cannot be made private is never freed.
    /// May sleep.
    #[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
    #[inline]
    pub fn share(&mut self) -> Result {
        // INVARIANT: Set before, because a failure may leave some of the pages shared.
        self.shared = true;
        self.runs()
            .try_for_each(|run| to_result(set_shared(&run, true)))
    }

    /// Takes back what [`share`](Self::share) shared. Returns whether the memory is private.
    #[inline]
    fn unshare(&self, run: &PageRun<'_>) -> bool {
        #[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
        if self.shared {
            return set_shared(run, false) == 0;
        }
        let _ = run;
        !self.shared
    }
}

/// Shares pages with the host of a confidential virtual machine, or makes them private, and says
/// where that has failed: what stays shared is lost for good. Returns what C says.
#[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
#[inline(always)]
fn set_shared(run: &PageRun<'_>, shared: bool) -> c_int {
    // CAST: A block has no more than 2^`MAX_PAGE_ORDER` pages.
    let count = run.count() as c_int;

    // SAFETY: Machines with memory encryption have no highmem, so that the run is mapped. The
    // address is only printed, if at all.
    unsafe {
        let addr = bindings::page_address(run.first());
        let ret = if shared {
            bindings::set_memory_decrypted(addr.addr(), count)
        } else {
            bindings::set_memory_encrypted(addr.addr(), count)
        };

        match (ret, shared) {
            (0, _) => {}
            (_, true) => bindings::warn_page_not_shared(addr),
            (_, false) => bindings::warn_page_stays_shared(addr),
        }
        ret
    }
}

impl Default for PageBlocks {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for PageBlocks {
    #[inline]
    fn drop(&mut self) {
        // The iterator is past a block when the block goes.
        for run in self.runs() {
            // INVARIANT: By the type invariant the block is ours to free.
            let block = PageBlock {
                first: AnyThread::new(run.first_page()),
            };

            if self.unshare(&run) {
                drop(block);
            } else {
                block.leak();
            }
        }
    }
}

/// Iterator over [`PageBlocks`].
///
/// # Invariants
///
/// `next` is NULL or in the chain of blocks that are borrowed for `'a`.
#[derive(Clone)]
pub struct PageBlockRuns<'a> {
    next: *mut bindings::page,
    _p: PhantomData<&'a PageBlocks>,
}

impl<'a> Iterator for PageBlockRuns<'a> {
    type Item = PageRun<'a>;

    #[inline]
    fn next(&mut self) -> Option<PageRun<'a>> {
        let first = NonNull::new(self.next)?;

        // SAFETY: By the type invariant; the field holds NULL or the next page of the chain.
        unsafe {
            self.next = with_exposed_provenance_mut(bindings::page_private(first.as_ptr()));
            // The blocks' memory is contiguous.
            Some(PageRun::from_raw(
                first,
                1 << bindings::compound_order(first.as_ptr()),
            ))
        }
    }
}
