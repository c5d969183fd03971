// SPDX-License-Identifier: GPL-2.0

//! Numbers of fences.

use core::cmp::Ordering;

/// The number of a fence, or the value of a timeline: 32 bits, which wrap around.
///
/// Of two numbers that is the later one which is less than half the range ahead of the other. This
/// is an order where all numbers are within half the range of each other, as those are that a
/// timeline still has to reach.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seqno(pub(crate) u32);

impl Seqno {
    /// The furthest that one can go ahead at once, and still be ahead.
    pub(crate) const MAX_STEP: u32 = i32::MAX as u32;

    pub(crate) fn add(self, steps: u32) -> Self {
        Self(self.0.wrapping_add(steps))
    }

    pub(crate) fn next(self) -> Self {
        self.add(1)
    }
}

impl Ord for Seqno {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.wrapping_sub(other.0) as i32).cmp(&0)
    }
}

impl PartialOrd for Seqno {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
