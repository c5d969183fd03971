// SPDX-License-Identifier: GPL-2.0

//! Types for which C has other names.

use crate::{
    bindings,
    mm::virt::VmaNew,
    seq_file::SeqFile, //
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

// SAFETY: Transparent.
unsafe impl Wrapper for VmaNew {
    type C = bindings::vm_area_struct;
}

// SAFETY: Transparent, but for what has no size.
unsafe impl Wrapper for SeqFile {
    type C = bindings::seq_file;
}
