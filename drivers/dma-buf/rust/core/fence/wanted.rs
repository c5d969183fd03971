// SPDX-License-Identifier: GPL-2.0

//! What one asks for who tries for a reference to a fence that may be gone, and what one gets.

/// Which fences one wants a reference to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Any,
    /// Those that are not marked as signalled.
    Pending,
}

/// Why there is no reference.
pub(crate) enum Missed {
    /// The last one is gone.
    Gone,
    /// The fence is not one that is wanted.
    Signaled,
}
