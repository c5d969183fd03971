// SPDX-License-Identifier: GPL-2.0

//! Names of a fence's flags.

use kernel::bindings;

/// The state bits that this crate looks at.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Flag {
    Initialized = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_INITIALIZED_BIT,
    InlineLock = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_INLINE_LOCK_BIT,
    Seqno64 = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SEQNO64_BIT,
    Signaled = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SIGNALED_BIT,
    Timestamp = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_TIMESTAMP_BIT,
    EnableSignal = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
    /// Of containers alone, from the start. See [`nested`](super::nested).
    Nested = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_USER_BITS,
}

impl Flag {
    pub(crate) const fn bit(self) -> usize {
        1 << self as u32
    }
}
