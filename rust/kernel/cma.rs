// SPDX-License-Identifier: GPL-2.0

//! The contiguous memory allocator.
//!
//! C header: [`include/linux/cma.h`](srctree/include/linux/cma.h)

use crate::{
    bindings,
    current,
    interop::{
        any_thread::AnyThread,
        object::Object, //
    },
    memcg::{
        Chargeable,
        LARGEST_WITH_OOM, //
    },
    prelude::*, //
};
use core::ptr::NonNull;

/// A region of memory that large contiguous blocks can be taken from.
///
/// Regions are set up at boot and stay for ever.
///
/// # Invariants
///
/// Wraps an activated `struct cma`.
#[repr(transparent)]
pub struct Cma(Object<bindings::cma>);

impl Cma {
    /// The region for devices with this index, or the one for devices without.
    #[cfg(CONFIG_DMA_CMA)]
    fn of_devices(index: Option<c_uint>) -> Option<&'static Self> {
        // SAFETY: NULL asks for the default region. What is not NULL is a region, and these stay
        // for ever; `Cma` is transparent.
        unsafe {
            let cma = match index {
                None => bindings::dev_get_cma_area(core::ptr::null_mut()),
                Some(index) => bindings::dma_contiguous_get_area_by_idx(index),
            };

            cma.cast::<Self>().as_ref()
        }
    }

    /// The region that devices without one of their own allocate from.
    #[cfg(CONFIG_DMA_CMA)]
    pub fn default_region() -> Option<&'static Self> {
        Self::of_devices(None)
    }

    /// The further regions that were reserved for devices.
    #[cfg(CONFIG_DMA_CMA)]
    pub fn device_regions() -> impl Iterator<Item = &'static Self> {
        // There is none behind the last.
        (0..).map_while(|index| Self::of_devices(Some(index)))
    }

    /// Name of the region.
    pub fn name(&self) -> &'static CStr {
        // SAFETY: The name is part of the region, a C string, and does not change.
        unsafe { CStr::from_char_ptr(bindings::cma_get_name(self.0.get())) }
    }

    /// Takes `count` contiguous pages, aligned as well as a block of that size can be and the
    /// kernel's configuration (`CONFIG_CMA_ALIGNMENT`) allows.
    ///
    /// The contents are what the last user left, which is why this is of no use before it is
    /// [cleared](UnclearedPages::clear). Fails with `ENOMEM`. May sleep.
    pub fn alloc(&'static self, count: usize) -> Result<UnclearedPages> {
        let order = count.checked_next_power_of_two().ok_or(ENOMEM)?.ilog2();

        // SAFETY: The region is activated.
        let first = unsafe {
            bindings::cma_alloc(
                self.0.get(),
                count,
                order.min(bindings::CMA_ALIGNMENT),
                false,
            )
        };
        Ok(UnclearedPages(CmaPages {
            // INVARIANT: Just allocated. The contents are seen by nobody before they are cleared.
            first: AnyThread::new(NonNull::new(first).ok_or(ENOMEM)?),
            // INVARIANT: No region is that large.
            count: Count(count),
            cma: self,
        }))
    }
}

/// Contiguous pages from a [`Cma`] region, with what their last user has left there: the secrets of
/// another process, perhaps. They go back on drop.
pub struct UnclearedPages(CmaPages);

impl UnclearedPages {
    /// Charges the pages to the memory cgroup of the current task until they go back: all or none.
    ///
    /// Fails with `ENOMEM` if the group has no room, as an allocation of single pages does: after
    /// reclaim, and after one of its processes was killed. May sleep.
    pub fn charge(&mut self) -> Result {
        if !self.0.count.is_charged() {
            self.0.chargeable().charge(bindings::GFP_HIGHUSER)?;
            self.0.count.0 |= Count::CHARGED;
        }
        Ok(())
    }

    /// Overwrites the pages with zeroes. Fails with `EINTR` when the process is being killed.
    pub fn clear(self) -> Result<CmaPages> {
        self.0.overwrite()?;
        Ok(self.0)
    }
}

/// A number of pages, and whether they are charged: one word, so that for who does not charge any
/// their owner is not larger.
///
/// # Invariants
///
/// The number is less than `CHARGED`.
#[derive(Clone, Copy)]
struct Count(usize);

impl Count {
    const CHARGED: usize = 1 << (usize::BITS - 1);

    #[inline(always)]
    fn pages(self) -> usize {
        self.0 & !Self::CHARGED
    }

    #[inline(always)]
    fn is_charged(self) -> bool {
        self.0 & Self::CHARGED != 0
    }
}

/// Contiguous pages from a [`Cma`] region, which may be shown to user space. They go back on drop.
///
/// # Invariants
///
/// `first` starts `count` pages that `cma` gave us and that nobody else gives back. `count` is not
/// zero. The pages were zeroed, unless this is inside of [`UnclearedPages`].
pub struct CmaPages {
    first: AnyThread<bindings::page>,
    count: Count,
    cma: &'static Cma,
}

impl CmaPages {
    /// The first page.
    #[inline]
    pub fn first(&self) -> NonNull<bindings::page> {
        self.first.get()
    }

    /// Number of pages.
    #[inline]
    pub fn count(&self) -> usize {
        self.count.pages()
    }

    /// The pages, for a charge. They are single ones, of which no two are charged or freed together
    /// by the kernel itself: as large pieces as the kernel kills for are the fewest.
    fn chargeable(&mut self) -> Chargeable<'_> {
        // SAFETY: By the type invariant the pages are ours, who are borrowed exclusively. It is
        // always this order, and no page is charged when it goes back.
        unsafe { Chargeable::new(self.first.get(), self.count(), LARGEST_WITH_OOM) }
    }

    /// See [`UnclearedPages::clear`], which is the only one to call this.
    fn overwrite(&self) -> Result {
        let first = self.first.as_ptr();
        let task = current!().as_ptr();

        // SAFETY: By the type invariant the pages are ours, and nobody else has seen them yet. The
        // current task is valid.
        unsafe {
            if !bindings::page_is_highmem(first) {
                bindings::clear_pages(bindings::page_address(first), self.count().try_into()?);
                return Ok(());
            }
            for index in 0..self.count() {
                bindings::clear_highpage(first.add(index));
                if bindings::fatal_signal_pending(task) != 0 {
                    return Err(EINTR);
                }
            }
        }
        Ok(())
    }
}

impl Drop for CmaPages {
    fn drop(&mut self) {
        if self.count.is_charged() {
            // Nobody else would: these are not the pieces in which the pages are freed.
            self.chargeable().uncharge();
        }
        // SAFETY: By the type invariant.
        unsafe { bindings::cma_release(self.cma.0.get(), self.first.as_ptr(), self.count()) };
    }
}
