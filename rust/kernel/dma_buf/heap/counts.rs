// SPDX-License-Identifier: GPL-2.0

//! What a pool may do, and what it has done.

use crate::{
    fmt,
    page::PAGE_SHIFT,
    time::Msecs, //
};

/// What a pool may hold.
#[derive(Clone, Copy)]
pub struct PoolLimits {
    /// How many pages. With none nothing is kept; what is left is a shrinker that has one number
    /// to look at, a queue without threads, and a few KiB.
    pub pages: usize,
    /// How long what nobody wants is kept, at most; half of it at least.
    pub idle_ms: Msecs,
    /// How long what has come back is left as it is: so long somebody else may come back with more.
    pub zero_after_ms: Msecs,
}

impl PoolLimits {
    /// So many MiB, for the time that most pools take.
    pub fn from_mib(mib: usize) -> Self {
        Self {
            pages: mib.saturating_mul(1 << (20 - PAGE_SHIFT)),
            idle_ms: 30_000,
            zero_after_ms: 10,
        }
    }
}

/// What a pool has done so far, and what it has, in pages if nothing else is said. What counts what
/// has been done begins anew with zero when it is too much.
#[derive(Clone, Copy, Default)]
pub struct PoolCounts {
    /// What it holds now.
    pub held: usize,
    /// Those of them that are not zeroed yet, or are just being.
    pub used: usize,
    /// Blocks that were given out as they were.
    pub hits: usize,
    /// Blocks that were given out and had to be zeroed then.
    pub late: usize,
    /// Blocks that were not there.
    pub misses: usize,
    /// What came back and was freed at once: there was no room, or others had a reference.
    pub refused: usize,
    /// What was zeroed in the background.
    pub zeroed: usize,
    /// What was freed because nobody had wanted it for long.
    pub idle: usize,
    /// What the shrinker has freed, because memory was short.
    pub reclaimed: usize,
    /// What was freed because the limit was lowered, or an allocation had failed.
    pub drained: usize,
}

/// Counts some more of what has been done.
pub(super) fn count(done: &mut usize, more: usize) {
    *done = done.wrapping_add(more);
}

impl PoolCounts {
    /// A line for each.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            held,
            used,
            hits,
            late,
            misses,
            refused,
            zeroed,
            idle,
            reclaimed,
            drained,
        } = self;

        writeln!(
            f,
            "held {held}\nused {used}\nhits {hits}\nlate {late}\nmisses {misses}"
        )?;
        writeln!(
            f,
            "refused {refused}\nzeroed {zeroed}\nidle {idle}\nreclaimed {reclaimed}"
        )?;
        writeln!(f, "drained {drained}")
    }
}
