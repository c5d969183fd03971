// SPDX-License-Identifier: GPL-2.0

//! The lock of a buffer, its reservation object: what lockdep is told about it.

use crate::resv;
use kernel::dma_buf::DmaBuf;

/// Tells lockdep that the caller must hold the reservation object.
#[inline(always)]
pub(crate) fn assert_locked(buf: &DmaBuf) {
    resv::assert_held(buf.resv());
}

/// Tells lockdep that the reservation object may be taken, so that a caller that holds it learns
/// at once.
#[inline(always)]
pub(crate) fn might_lock(buf: &DmaBuf) {
    resv::might_lock(buf.resv());
}
