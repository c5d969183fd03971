// SPDX-License-Identifier: GPL-2.0

//! The memory of an object: how user space gets it, and how it lies.

use super::{
    DumbObject,
    Object, //
};
use crate::{
    dma::{
        CoherentOwner,
        DmaAddress, //
    },
    mm::virt::VmaNew,
    prelude::*,
    scatterlist::SGTable, //
};
use core::ops::Deref;

/// An area of user space that an object is being mapped into.
///
/// # Invariants
///
/// `vma` is being set up, and keeps `obj`; so do all areas that become of it when it is split or
/// inherited.
pub struct ObjectVma<'a, T: DumbObject> {
    vma: &'a VmaNew,
    obj: &'a Object<T>,
}

impl<'a, T: DumbObject> ObjectVma<'a, T> {
    /// # Safety
    ///
    /// The type invariant must hold.
    #[inline]
    pub(super) unsafe fn new(vma: &'a VmaNew, obj: &'a Object<T>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self { vma, obj }
    }
}

impl<T: DumbObject> Deref for ObjectVma<'_, T> {
    type Target = VmaNew;

    #[inline]
    fn deref(&self) -> &VmaNew {
        self.vma
    }
}

impl<T: DumbObject + CoherentOwner> ObjectVma<'_, T> {
    /// Maps the object's coherent memory, all of the area at once, so that there will be no page
    /// faults. Fails as [`CoherentOwner::coherent`] and
    /// [`Coherent::mmap`](crate::dma::Coherent::mmap).
    #[inline]
    pub fn map_coherent(self) -> Result {
        let memory = T::coherent(self.obj)?;

        // SAFETY: By the type invariant the areas keep the object, and the object its data, which
        // is pinned and never borrowed mutably before it is dropped. So the borrow of the memory
        // could as well last until then. `self` ends here, and so does everything that was borrowed
        // from it.
        unsafe { memory.mmap(self.vma) }
    }
}

/// Where `size` bytes begin that are one piece for the device that `table` is mapped for.
///
/// Fails with `EINVAL` if the table begins with less in one piece, however many entries that takes.
pub fn contiguous_address(table: &SGTable, size: usize) -> Result<DmaAddress> {
    let mut piece: Option<(DmaAddress, usize)> = None;

    for entry in table.iter() {
        let (address, len) = (entry.dma_address(), entry.dma_len());
        // CAST: An entry's length is an `unsigned int`.
        let len = len as usize;

        piece = match piece {
            None => Some((address, len)),
            // CAST: What is mapped lies within the addresses that there are.
            Some((start, before)) if start.wrapping_add(before as DmaAddress) == address => {
                Some((start, before.saturating_add(len)))
            }
            _ => break,
        };
    }
    match piece {
        Some((start, len)) if len >= size => Ok(start),
        _ => Err(EINVAL),
    }
}
