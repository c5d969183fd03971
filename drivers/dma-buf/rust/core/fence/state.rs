// SPDX-License-Identifier: GPL-2.0

//! Looking at a fence: its flags, and how it was signalled.

use super::{
    flag::Flag,
    layout::fence::fields, //
};
use kernel::{
    dma_buf::Fence,
    prelude::*,
    sync::atomic::{
        Acquire,
        Relaxed, //
    }, //
};

/// Whether `flag` is set. Orders nothing.
///
/// `Pending` and `Dying` of `layout` rely on what it says of `Signaled`: a fence that is not
/// signalled has callbacks, not a time in their place.
#[inline(always)]
pub(crate) fn has(fence: &Fence, flag: Flag) -> bool {
    // MODEL: none, because each caller says for itself.
    fields(fence).flags(Relaxed) & flag.bit() != 0
}

/// The error that the issuer has set, or zero. `None` if the fence is not marked as signalled.
#[inline(always)]
pub(crate) fn result(fence: &Fence) -> Option<c_int> {
    // MODEL: fence-error, array-signaled
    if fields(fence).flags(Acquire) & Flag::Signaled.bit() == 0 {
        return None;
    }
    Some(fields(fence).error.load(Relaxed))
}

/// The error that the issuer has set; zero if there is none, or none yet.
#[inline(always)]
pub(crate) fn error(fence: &Fence) -> c_int {
    result(fence).unwrap_or(0)
}
