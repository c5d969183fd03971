// SPDX-License-Identifier: GPL-2.0

//! Physically contiguous runs of pages.

use crate::{
    bindings,
    page::{
        BorrowedPage,
        PAGE_SHIFT, //
    },
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

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

impl<'a> PageRun<'a> {
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
    pub(super) fn first(&self) -> *mut bindings::page {
        self.first.as_ptr()
    }

    #[inline]
    pub(super) fn first_page(&self) -> NonNull<bindings::page> {
        self.first
    }

    /// The page at `index`, if the run is that long.
    #[inline(always)]
    pub fn page(&self, index: usize) -> Option<BorrowedPage<'a>> {
        // SAFETY: By the type invariant there are `count` contiguous `struct page`s, for `'a`.
        (index < self.count).then(|| unsafe { BorrowedPage::from_raw(self.first.add(index)) })
    }

    /// The pages.
    #[inline]
    pub fn pages(&self) -> RunPages<'a> {
        RunPages {
            run: *self,
            next: 0,
        }
    }

    /// The run without its first `count` pages, unless nothing would be left.
    #[inline]
    pub fn skip(self, count: usize) -> Option<Self> {
        let page = self.page(count)?;

        // INVARIANT: A part of a run is a run.
        Some(Self {
            first: NonNull::new(page.as_ptr())?,
            count: self.count - count,
            _p: PhantomData,
        })
    }

    /// This run and `next` as one, if `next` begins where this one ends in memory.
    #[inline]
    pub(super) fn join(self, next: Self) -> Option<Self> {
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

/// Iterator over the pages of a run.
#[derive(Clone)]
pub struct RunPages<'a> {
    run: PageRun<'a>,
    next: usize,
}

impl<'a> Iterator for RunPages<'a> {
    type Item = BorrowedPage<'a>;

    #[inline]
    fn next(&mut self) -> Option<BorrowedPage<'a>> {
        let page = self.run.page(self.next)?;

        self.next += 1;
        Some(page)
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
