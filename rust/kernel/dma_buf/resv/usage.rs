// SPDX-License-Identifier: GPL-2.0

//! What fences are for.

use crate::bindings;

/// What a fence in a reservation object stands for, and which fences an access must wait for.
///
/// Each usage includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Usage {
    /// Memory management: moving or clearing the memory. Everybody waits for these.
    Kernel = bindings::dma_resv_usage_DMA_RESV_USAGE_KERNEL,
    /// Implicitly synchronised writes.
    Write = bindings::dma_resv_usage_DMA_RESV_USAGE_WRITE,
    /// Implicitly synchronised reads.
    Read = bindings::dma_resv_usage_DMA_RESV_USAGE_READ,
    /// Accesses without implicit synchronisation. Only memory management waits for these.
    Bookkeep = bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP,
}

impl Usage {
    /// The fences that a new access has to wait for.
    #[inline]
    pub fn before_access(write: bool) -> Self {
        // A writer waits for readers and writers, a reader for writers only.
        if write {
            Self::Read
        } else {
            Self::Write
        }
    }

    #[inline]
    pub(super) fn as_raw(self) -> bindings::dma_resv_usage {
        self as bindings::dma_resv_usage
    }

    #[inline]
    pub(super) fn from_raw(raw: bindings::dma_resv_usage) -> Self {
        match raw {
            bindings::dma_resv_usage_DMA_RESV_USAGE_KERNEL => Self::Kernel,
            bindings::dma_resv_usage_DMA_RESV_USAGE_WRITE => Self::Write,
            bindings::dma_resv_usage_DMA_RESV_USAGE_READ => Self::Read,
            _ => Self::Bookkeep,
        }
    }
}
