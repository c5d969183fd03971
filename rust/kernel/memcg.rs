// SPDX-License-Identifier: GPL-2.0

//! Memory control groups: who pays for pages that do not come charged from the page allocator.
//!
//! C header: [`include/linux/memcontrol.h`](srctree/include/linux/memcontrol.h)
//!
//! What is here is part of the kernel image, because C exports none of it to modules.

use crate::{
    bindings,
    error::to_result,
    prelude::*, //
};
use core::{
    iter::from_fn,
    marker::PhantomData,
    mem::replace,
    ptr::NonNull, //
};

/// The largest order for which the kernel, before a charge fails, looks for a process to kill. What
/// is charged in larger pieces fails without that.
pub const LARGEST_WITH_OOM: u32 = bindings::PAGE_ALLOC_COSTLY_ORDER;

/// Contiguous pages that can be charged to a group, for as long as they are borrowed.
///
/// They are charged in pieces of `2^order` pages, the last ones being smaller if there are fewer.
/// Of each piece the first page knows the group. With the order that a compound page has, it is
/// charged as `__GFP_ACCOUNT` charges it, so that freeing it is enough.
///
/// # Invariants
///
/// The `count` pages from `first` on are owned by who is borrowed for `'a`, by nobody else but for
/// this, and came from an allocator; `memcg_data` of the first page of a piece is 0 or that of a
/// charge of the piece.
pub struct Chargeable<'a> {
    first: NonNull<bindings::page>,
    count: usize,
    order: u32,
    _p: PhantomData<&'a bindings::page>,
}

impl Chargeable<'_> {
    /// # Safety
    ///
    /// The type invariant must hold. Who always gives the same order for the same pages, and frees
    /// them without a charge, or as a compound page of that order, has done all for its second
    /// part: pages from an allocator are charged to nobody, or as it says.
    #[inline]
    pub unsafe fn new(first: NonNull<bindings::page>, count: usize, order: u32) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self {
            first,
            count,
            order,
            _p: PhantomData,
        }
    }

    /// The first page and the order of each piece.
    fn pieces(&self) -> impl Iterator<Item = (*mut bindings::page, c_int)> + '_ {
        let mut next = self.first.as_ptr();
        let mut rest = self.count;

        from_fn(move || {
            let order = self.order.min(rest.checked_ilog2()?);
            let behind = next.wrapping_add(1 << order);

            rest = rest.saturating_sub(1 << order);
            // CAST: The logarithm of a number.
            Some((replace(&mut next, behind), order as c_int))
        })
    }

    fn uncharge_pieces(&self, count: usize) {
        for (first, order) in self.pieces().take(count) {
            // SAFETY: By the type invariant. What is not charged is left alone.
            unsafe { bindings::memcg_kmem_uncharge_page(first, order) };
        }
    }

    /// Charges the pages, none of which is charged yet, to the memory cgroup of the current task:
    /// all or none.
    ///
    /// Fails with `ENOMEM` if the group has no room for them and `gfp` does not let the kernel make
    /// some, or it has tried: by reclaim, and, up to [`LARGEST_WITH_OOM`], by killing a process of
    /// the group. May sleep if `gfp` allows that. Nobody pays for what the root group has.
    #[inline(never)]
    pub fn charge(&self, gfp: bindings::gfp_t) -> Result {
        if !cfg!(CONFIG_MEMCG) {
            return Ok(());
        }
        for (done, (first, order)) in self.pieces().enumerate() {
            // SAFETY: By the type invariant.
            let ret = unsafe { bindings::memcg_kmem_charge_page(first, gfp, order) };

            to_result(ret).inspect_err(|_| self.uncharge_pieces(done))?;
        }
        Ok(())
    }

    /// Takes the charge back. Of pages that nobody pays for, this does nothing. Does not sleep.
    #[inline(never)]
    pub fn uncharge(&self) {
        self.uncharge_pieces(usize::MAX);
    }
}
