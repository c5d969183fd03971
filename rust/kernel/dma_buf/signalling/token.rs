// SPDX-License-Identifier: GPL-2.0

//! The two tokens.

use crate::{
    dma_buf::dma_fence::SignallingSection,
    types::NotThreadSafe, //
};

/// Fences wait for the running code, which may signal any number of them.
///
/// There is one only in what an entry point calls, so that it cannot be had where a reservation
/// object is held. For lockdep it is a [`SignallingSection`].
///
/// # Examples
///
/// See [`SignallingWork`](super::SignallingWork).
pub struct Signalling {
    _section: SignallingSection,
}

impl Signalling {
    /// For entry points: nothing may be held.
    #[inline]
    pub(super) fn enter<R>(f: impl FnOnce(&Self) -> R) -> R {
        f(&Self {
            _section: SignallingSection::begin(),
        })
    }
}

/// No fence waits for the running code: it may sleep, allocate, and take reservation objects.
///
/// # Examples
///
/// See [`SignallingWork::clean_up`](super::SignallingWork::clean_up).
pub struct MaySleep(NotThreadSafe);

impl MaySleep {
    /// For entry points.
    #[inline]
    pub(super) fn enter<R>(f: impl FnOnce(&Self) -> R) -> R {
        f(&Self(NotThreadSafe))
    }
}
