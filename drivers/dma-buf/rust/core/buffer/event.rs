// SPDX-License-Identifier: GPL-2.0

//! What those who poll wait for.

use kernel::bindings::{
    EPOLLIN,
    EPOLLOUT, //
};

/// One of the events of a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Event {
    /// Nothing writes to the buffer any more.
    In = EPOLLIN,
    /// Nothing reads it either.
    Out = EPOLLOUT,
}

impl Event {
    /// What poll() calls it: not zero.
    #[inline(always)]
    pub(super) const fn bit(self) -> u32 {
        self as u32
    }
}
