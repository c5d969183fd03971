// SPDX-License-Identifier: GPL-2.0

//! Physically contiguous runs of pages, and an owner for them.

use crate::{
    bindings,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// A run of physically contiguous pages.
///
/// # Invariants
///
/// `first` starts `count` contiguous `struct page`s, whose memory belongs to the holder of the
/// borrow `'a`. `count` is not zero and the run's size in bytes fits in `usize`.
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

    /// The run's first pages, at most `bytes` (which is not less than a page) long.
    #[inline]
    pub(super) fn truncate(self, bytes: usize) -> Self {
        // INVARIANT: A part of a run is a run.
        Self {
            count: self.count.min((bytes >> PAGE_SHIFT).max(1)),
            ..self
        }
    }
}

#[cfg(CONFIG_CMA)]
impl<'a> From<&'a crate::cma::CmaPages> for PageRun<'a> {
    #[inline]
    fn from(pages: &'a crate::cma::CmaPages) -> Self {
        // INVARIANT: `CmaPages` own what they say for as long as they are borrowed.
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
/// `first` came from `alloc_pages()` with `order` and is freed only by this object. If `decrypted`
/// is set, all of its memory is shared with the host of a confidential virtual machine.
pub struct PageBlock {
    first: NonNull<bindings::page>,
    order: u8,
    decrypted: bool,
}

// SAFETY: Pages are not tied to a thread.
unsafe impl Send for PageBlock {}

// SAFETY: Nothing can be changed through a shared reference.
unsafe impl Sync for PageBlock {}

impl PageBlock {
    /// Allocates a block; with `account` its pages are charged to the caller's memory cgroup.
    ///
    /// Returns `None` if there is no memory. May sleep.
    #[inline]
    pub fn alloc(order: u8, effort: AllocEffort, account: bool) -> Option<Self> {
        let mut gfp = bindings::GFP_HIGHUSER | bindings::__GFP_ZERO;

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

        // INVARIANT: Just allocated with `order`; allocated memory is private.
        Some(Self {
            first,
            order,
            decrypted: false,
        })
    }

    /// Size in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        PAGE_SIZE << self.order
    }

    /// The pages.
    #[inline]
    pub fn run(&self) -> PageRun<'_> {
        // INVARIANT: `alloc_pages()` gives contiguous pages, which are ours while `self` is
        // borrowed.
        PageRun {
            first: self.first,
            count: 1 << self.order,
            _p: PhantomData,
        }
    }

    /// Shares the memory with the host of a confidential virtual machine.
    ///
    /// It becomes private again before it is freed; if that fails it is never freed. May sleep.
    #[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
    #[inline]
    pub fn decrypt(&mut self) -> Result {
        // INVARIANT: Set before the call, because a failure may leave some of the pages shared.
        self.decrypted = true;
        // SAFETY: Machines with memory encryption have no highmem, so that the block is mapped.
        crate::error::to_result(unsafe {
            bindings::set_memory_decrypted(
                bindings::page_address(self.first.as_ptr()) as usize,
                1 << self.order,
            )
        })
    }

    /// Takes back what [`decrypt`](Self::decrypt) shared. Returns whether the memory is private.
    #[inline]
    fn encrypt(&mut self) -> bool {
        #[cfg(CONFIG_ARCH_HAS_MEM_ENCRYPT)]
        if self.decrypted {
            // SAFETY: As in `decrypt`.
            let ret = unsafe {
                bindings::set_memory_encrypted(
                    bindings::page_address(self.first.as_ptr()) as usize,
                    1 << self.order,
                )
            };
            self.decrypted = ret != 0;
        }
        !self.decrypted
    }
}

impl Drop for PageBlock {
    #[inline]
    fn drop(&mut self) {
        if !self.encrypt() {
            pr_warn!("dma-buf: memory stays shared with the host, leaking it\n");
            return;
        }
        // SAFETY: By the type invariant the block is ours and has this order.
        unsafe { bindings::__free_pages(self.first.as_ptr(), self.order.into()) };
    }
}
