// SPDX-License-Identifier: GPL-2.0

//! The lock of a buffer, its reservation object: what has it, and what lockdep is told about it.

use super::layout::attachment::AnyAttachment;
use crate::resv::{
    dma_resv_assert_held,
    dma_resv_might_lock, //
};
use kernel::dma_buf::DmaBuf;

/// Something that belongs to a buffer.
pub(crate) trait OfBuffer {
    /// The buffer.
    fn buf(&self) -> &DmaBuf;
}

impl OfBuffer for DmaBuf {
    #[inline(always)]
    fn buf(&self) -> &DmaBuf {
        self
    }
}

impl OfBuffer for AnyAttachment {
    #[inline(always)]
    fn buf(&self) -> &DmaBuf {
        AnyAttachment::buf(self)
    }
}

/// Tells lockdep that the caller must hold the reservation object.
#[inline(always)]
pub(crate) fn assert_locked(buf: &DmaBuf) {
    dma_resv_assert_held(buf.resv());
}

/// Tells lockdep that the reservation object may be taken, so that a caller that holds it learns
/// at once.
#[inline(always)]
pub(crate) fn might_lock(buf: &DmaBuf) {
    dma_resv_might_lock(buf.resv());
}
