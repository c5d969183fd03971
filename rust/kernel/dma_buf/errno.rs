// SPDX-License-Identifier: GPL-2.0

//! Results as C has them.

use crate::prelude::*;

/// A result as C has it: zero, or a negative error code.
#[inline(always)]
pub fn to_errno(result: Result) -> c_int {
    match result {
        Ok(()) => 0,
        Err(err) => err.to_errno(),
    }
}
