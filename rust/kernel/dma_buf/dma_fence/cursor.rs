// SPDX-License-Identifier: GPL-2.0

//! Where one is in a container.

use super::raw::Fence;
use crate::bindings;

/// The place of an [`Unwrap`](super::Unwrap) in a container.
///
/// # Invariants
///
/// All zero, or as the functions of the C API have left it: `chain` is NULL at the end, else it
/// owns a reference that keeps the current fence.
#[derive(Default)]
#[repr(transparent)]
pub(super) struct Cursor(bindings::dma_fence_unwrap);

impl Cursor {
    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.0.chain.is_null()
    }
}

impl Drop for Cursor {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        drop(unsafe { Fence::from_owned(self.0.chain) });
    }
}
