// SPDX-License-Identifier: GPL-2.0

//! Areas that files are mapped into.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use crate::{
    bindings,
    interop::export::AsC,
    mm::virt::VmaNew, //
};
use core::ops::Deref;

/// An area that a file is being mapped into, which whoever has it may give away. Derefs to the
/// area.
///
/// Who maps takes it by value: what an area is made for, such as page frames without a reference to
/// their pages, is not changed any more.
///
/// # Invariants
///
/// The area is being set up, by `mmap()` of a file, and this is the only way to it meanwhile.
#[repr(transparent)]
pub struct MmapVma<'a>(&'a VmaNew);

impl<'a> MmapVma<'a> {
    /// For drivers whose `mmap()` gets a reference, such as those with a
    /// [`MiscDevice`](crate::miscdevice::MiscDevice).
    ///
    /// # Safety
    ///
    /// The type invariant must hold: `vma` is not used any more, nor what was borrowed from it.
    #[inline]
    pub unsafe fn new(vma: &'a VmaNew) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self(vma)
    }
}

// SAFETY: A reference is a pointer, and nothing else is in there.
unsafe impl AsC for MmapVma<'_> {
    type C = *mut bindings::vm_area_struct;
}

impl Deref for MmapVma<'_> {
    type Target = VmaNew;

    #[inline]
    fn deref(&self) -> &VmaNew {
        self.0
    }
}
