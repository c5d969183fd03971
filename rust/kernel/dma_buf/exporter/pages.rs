// SPDX-License-Identifier: GPL-2.0

//! Physically contiguous runs of pages, and an owner for them.

use crate::{
    bindings,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};

#[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
use crate::prelude::*;

/// A run of physically contiguous pages.
///
/// # Invariants
///
/// `first` starts `count` contiguous `struct page`s, whose memory the holder of the borrow `'a`
/// keeps from being freed. `count` is not zero and the run's size in bytes fits in `usize`. What is
/// in the memory may be seen by user space: nothing was left there by others.
#[derive(Clone, Copy)]
pub struct PageRun<'a> {
    first: NonNull<bindings::page>,
    count: usize,
    _p: PhantomData<&'a bindings::page>,
}

impl PageRun<'_> {
    /// # Safety
    ///
    /// The type invariant must hold.
    #[inline]
    pub unsafe fn from_raw(first: NonNull<bindings::page>, count: usize) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self {
            first,
            count,
            _p: PhantomData,
        }
    }

    /// Number of pages.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Size in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        self.count << PAGE_SHIFT
    }

    /// The first page.
    #[inline]
    pub fn first(&self) -> *mut bindings::page {
        self.first.as_ptr()
    }

    /// The page at `index`, if the run is that long.
    #[inline]
    pub fn page(&self, index: usize) -> Option<*mut bindings::page> {
        // SAFETY: By the type invariant there are `count` contiguous `struct page`s.
        (index < self.count).then(|| unsafe { self.first.as_ptr().add(index) })
    }

    /// The pages.
    #[inline]
    pub(super) fn pages(&self) -> impl Iterator<Item = *mut bindings::page> {
        let first = self.first.as_ptr();

        // SAFETY: By the type invariant there are `count` contiguous `struct page`s.
        (0..self.count).map(move |index| unsafe { first.add(index) })
    }

    /// The run without its first `count` pages, unless nothing would be left.
    #[inline]
    pub fn skip(self, count: usize) -> Option<Self> {
        let first = NonNull::new(self.page(count)?)?;

        // INVARIANT: A part of a run is a run.
        Some(Self {
            first,
            count: self.count - count,
            _p: PhantomData,
        })
    }

    /// This run and `next` as one, if `next` begins where this one ends in memory.
    #[inline]
    fn join(self, next: Self) -> Option<Self> {
        let count = self.count.checked_add(next.count)?;
        let end = self.first.as_ptr().wrapping_add(self.count);

        if end != next.first.as_ptr() || count > usize::MAX >> PAGE_SHIFT {
            return None;
        }
        // Where the kernel has a `struct page` array for each section of memory, two arrays may be
        // neighbours though their sections are not.
        //
        // SAFETY: By the type invariant both are `struct page`s.
        let (frame, next_frame) = unsafe {
            (
                bindings::page_to_pfn(self.first.as_ptr()),
                bindings::page_to_pfn(next.first.as_ptr()),
            )
        };
        // INVARIANT: Both the pages and their `struct page`s are contiguous; the size was checked.
        (frame + self.count == next_frame).then_some(Self { count, ..self })
    }

    /// The run's first pages, at most `count` (which is not zero) of them.
    #[inline]
    pub(super) fn truncate(self, count: usize) -> Self {
        // INVARIANT: A part of a run is a run.
        Self {
            count: self.count.min(count.max(1)),
            ..self
        }
    }
}

/// Runs as an iterator gives them, but those that are neighbours in memory as one, if `join` says
/// so.
#[derive(Clone)]
pub(super) struct Joined<'a, I> {
    runs: I,
    next: Option<PageRun<'a>>,
    join: bool,
}

impl<'a, I: Iterator<Item = PageRun<'a>>> Joined<'a, I> {
    #[inline]
    pub(super) fn new(mut runs: I, join: bool) -> Self {
        let next = runs.next();

        Self { runs, next, join }
    }
}

impl<'a, I: Iterator<Item = PageRun<'a>>> Iterator for Joined<'a, I> {
    type Item = PageRun<'a>;

    #[inline]
    fn next(&mut self) -> Option<PageRun<'a>> {
        let mut run = self.next?;

        loop {
            self.next = self.runs.next();
            match self
                .next
                .filter(|_| self.join)
                .and_then(|next| run.join(next))
            {
                Some(longer) => run = longer,
                None => return Some(run),
            }
        }
    }
}

#[cfg(CONFIG_CMA)]
impl<'a> From<&'a crate::cma::CmaPages> for PageRun<'a> {
    #[inline]
    fn from(pages: &'a crate::cma::CmaPages) -> Self {
        // INVARIANT: `CmaPages` own what they say for as long as they are borrowed, and have been
        // zeroed.
        Self {
            first: pages.first(),
            count: pages.count(),
            _p: PhantomData,
        }
    }
}

/// How hard the page allocator shall try.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AllocEffort {
    /// Take what is there at once, or fail quietly: the caller has something smaller in mind.
    Opportunistic,
    /// Reclaim and wait as for any other memory of a process.
    Required,
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
    first: NonNull<bindings::page>,
}

// SAFETY: Pages are not tied to a thread.
unsafe impl Send for PageBlock {}

// SAFETY: Nothing can be changed through a shared reference.
unsafe impl Sync for PageBlock {}

impl PageBlock {
    /// Allocates a block; with `account` its pages are charged to the caller's memory cgroup.
    ///
    /// Returns `None` if there is no memory, or no block is that large. May sleep.
    #[inline]
    pub fn alloc(order: u8, effort: AllocEffort, account: bool) -> Option<Self> {
        let mut gfp = bindings::GFP_HIGHUSER | bindings::__GFP_ZERO;

        // The allocator warns of more.
        if u32::from(order) > bindings::MAX_PAGE_ORDER {
            return None;
        }
        if effort == AllocEffort::Opportunistic {
            gfp |= bindings::__GFP_NOWARN | bindings::__GFP_NORETRY;
            gfp &= !bindings::__GFP_RECLAIM;
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
        Some(Self { first })
    }

    #[inline]
    fn order(&self) -> u32 {
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
        // INVARIANT: `alloc_pages()` gives contiguous pages, which are ours while `self` is
        // borrowed.
        PageRun {
            first: self.first,
            count: 1 << self.order(),
            _p: PhantomData,
        }
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
/// `first` is NULL, or starts a chain of pages that ends with `last` and NULL. Each is the first
/// page of a [`PageBlock`] that this object owns. If `shared` is set, some of the memory may be
/// shared with the host of a confidential virtual machine.
pub struct PageBlocks {
    first: *mut bindings::page,
    last: *mut bindings::page,
    shared: bool,
}

// SAFETY: Pages are not tied to a thread.
unsafe impl Send for PageBlocks {}

// SAFETY: Nothing can be changed through a shared reference.
unsafe impl Sync for PageBlocks {}

impl PageBlocks {
    /// No blocks.
    #[inline]
    pub const fn new() -> Self {
        Self {
            first: core::ptr::null_mut(),
            last: core::ptr::null_mut(),
            shared: false,
        }
    }

    /// Appends a block.
    #[inline]
    pub fn push(&mut self, block: PageBlock) {
        let page = ManuallyDrop::new(block).first.as_ptr();

        // SAFETY: The block's first page is ours, and so is that of the last block.
        unsafe {
            bindings::set_page_private(page, 0);
            if self.last.is_null() {
                self.first = page;
            } else {
                bindings::set_page_private(self.last, page.expose_provenance());
            }
        }
        self.last = page;
    }

    /// The pages, block by block.
    #[inline]
    pub fn runs(&self) -> PageBlockRuns<'_> {
        PageBlockRuns {
            next: self.first,
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
        self.runs().try_for_each(|run| {
            // SAFETY: Machines with memory encryption have no highmem, so that the run is mapped.
            // The address is only printed, if at all.
            crate::error::to_result(unsafe {
                let addr = bindings::page_address(run.first());
                let ret = bindings::set_memory_decrypted(addr.addr(), run.count() as c_int);

                if ret != 0 {
                    bindings::warn_page_not_shared(addr);
                }
                ret
            })
        })
    }

    /// Takes back what [`share`](Self::share) shared. Returns whether the memory is private.
    #[inline]
    fn unshare(&self, run: &PageRun<'_>) -> bool {
        #[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
        if self.shared {
            // SAFETY: As in `share`.
            return unsafe {
                let addr = bindings::page_address(run.first());
                let ret = bindings::set_memory_encrypted(addr.addr(), run.count() as c_int);

                if ret != 0 {
                    // Each is said where it is: they are lost for good.
                    bindings::warn_page_stays_shared(addr);
                }
                ret == 0
            };
        }
        let _ = run;
        !self.shared
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
            if self.unshare(&run) {
                // INVARIANT: By the type invariant the block is ours to free.
                drop(PageBlock { first: run.first });
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
            self.next =
                core::ptr::with_exposed_provenance_mut(bindings::page_private(first.as_ptr()));
            // The blocks' memory is contiguous.
            Some(PageRun::from_raw(
                first,
                1 << bindings::compound_order(first.as_ptr()),
            ))
        }
    }
}
