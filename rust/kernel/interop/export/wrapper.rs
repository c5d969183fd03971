// SPDX-License-Identifier: GPL-2.0

//! Types for which C has other names.

use crate::{
    bindings,
    mm::virt::VmaNew,
    seq_file::SeqFile,
    sync::Refcount, //
};
use core::ptr;

/// A type for which C has another name.
///
/// # Safety
///
/// A pointer to the one must be a pointer to the other, both ways.
pub unsafe trait Wrapper {
    /// What C calls it.
    type C;

    /// The pointer that C knows.
    #[inline(always)]
    fn as_c(&self) -> *mut Self::C {
        ptr::from_ref(self).cast_mut().cast()
    }
}

/// Says what C calls types: implements [`Wrapper`].
///
/// # Safety
///
/// Each type must be laid out as C's, as those are that have C's structure in them, and else only
/// what has no size.
///
/// # Examples
///
/// ```ignore
/// wrappers! {
///     // SAFETY: Transparent.
///     unsafe {
///         Fence => bindings::dma_fence,
///         Resv => bindings::dma_resv,
///     }
/// }
/// ```
#[macro_export]
macro_rules! wrappers {
    (unsafe {$($ours:ty => $theirs:ty),* $(,)?}) => {$(
        $crate::same_layout!($ours, $theirs);

        // SAFETY: Who uses this says so, and the layouts were compared.
        unsafe impl $crate::interop::export::Wrapper for $ours {
            type C = $theirs;
        }
    )*};
}

wrappers! {
    // SAFETY: Transparent, or nearly: `SeqFile` says besides that it is not tied to a thread.
    unsafe {
        VmaNew => bindings::vm_area_struct,
        SeqFile => bindings::seq_file,
        Refcount => bindings::refcount_t,
    }
}
