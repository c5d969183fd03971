// SPDX-License-Identifier: GPL-2.0

//! Questions to a fence's issuer.

use super::{
    layout::{
        lock::Locked,
        ops::Operations, //
    },
    table::Table, //
};

impl Operations<'_> {
    /// Whether the fence should be signalled.
    #[inline(always)]
    pub(super) fn is_signaled(&self) -> bool {
        self.call(Table::signaled).unwrap_or(false)
    }

    #[inline(always)]
    pub(super) fn hears_deadlines(&self) -> bool {
        self.has(Table::set_deadline)
    }
}

impl Locked<'_> {
    /// Whether the issuer knows better than others when the fence should be signalled.
    #[inline(always)]
    pub(super) fn can_be_asked(&self) -> bool {
        self.issuer_has(Table::signaled)
    }

    /// Whether the issuer wants to be asked before it signals the fence.
    #[inline(always)]
    pub(super) fn wants_to_be_asked(&self) -> bool {
        self.issuer_has(Table::enable_signaling)
    }
}
