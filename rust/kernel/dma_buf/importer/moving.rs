// SPDX-License-Identifier: GPL-2.0

//! What may be done while the exporter moves the memory.

use super::{
    DynamicImporter,
    LockedDynamic, //
};
use crate::dma_buf::{
    DmaBuf,
    Fences,
    Usage, //
};
use core::ops::Deref;

/// A [`DynamicAttachment`](super::DynamicAttachment) whose memory is about to move, with the
/// reservation object held. Derefs to the driver's data.
///
/// What has been set up can be given up here, and nothing else be done: the exporter is in the
/// middle of the move. It does not lend the lock, because it may count on the slots for fences that
/// it has reserved, and because nobody is to be mapped or pinned where the memory is no more.
///
/// # Examples
///
/// See [`DynamicAttachment`](super::DynamicAttachment).
pub struct MovingAttachment<'a, T: DynamicImporter>(LockedDynamic<'a, T>);

impl<'a, T: DynamicImporter> MovingAttachment<'a, T> {
    #[inline]
    pub(super) fn new(attachment: LockedDynamic<'a, T>) -> Self {
        Self(attachment)
    }

    /// The buffer.
    #[inline]
    pub fn buffer(&self) -> &DmaBuf {
        self.0.buffer()
    }

    /// The fences of `usage`, signalled or not.
    #[inline]
    pub fn fences(&mut self, usage: Usage) -> Fences<'_> {
        self.0.guard.fences(usage)
    }

    /// Takes down what is mapped. The device must not use it any more. May sleep.
    #[inline]
    pub fn unmap(&mut self) {
        self.0.unmap();
    }

    /// Undoes [`LockedDynamic::pin`], if the memory is pinned. May sleep.
    #[inline]
    pub fn unpin(&mut self) {
        self.0.unpin();
    }

    /// Whether the memory is pinned.
    #[inline]
    pub fn is_pinned(&self) -> bool {
        self.0.is_pinned()
    }
}

impl<T: DynamicImporter> Deref for MovingAttachment<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}
