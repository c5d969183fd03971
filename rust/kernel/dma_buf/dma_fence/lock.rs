// SPDX-License-Identifier: GPL-2.0

//! The lock of a fence.

use super::{
    abi,
    raw::Fence, //
};
use crate::{
    bindings,
    prelude::*, //
};

/// A fence whose lock is held, with interrupts off.
pub(super) struct Locked<'a>(&'a Fence, c_ulong);

impl<'a> Locked<'a> {
    #[inline]
    pub(super) fn new(fence: &'a Fence) -> Self {
        Self(fence, abi::dma_fence_lock_irqsave(fence))
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The lock was taken in `new`, which gave these flags.
        unsafe { bindings::dma_fence_unlock_irqrestore(self.0.as_raw(), self.1) };
    }
}
