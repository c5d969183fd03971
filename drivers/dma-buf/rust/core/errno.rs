// SPDX-License-Identifier: GPL-2.0

//! Error codes of C, where each call counts.

use kernel::{
    prelude::*,
    warn_on, //
};

/// As [`kernel::error::to_result`], but not a call if there is no error.
#[inline(always)]
pub(crate) fn to_result(err: c_int) -> Result {
    if err < 0 {
        return Err(Error::from_errno(err));
    }
    Ok(())
}

/// The inverse of what C gets of a `Result<c_long>`.
#[inline(always)]
pub(crate) fn to_number(value: c_long) -> Result<c_long> {
    to_result(value.min(0) as c_int).map(|()| value)
}

/// What C passes. Nothing, which it should not pass, is `EINVAL` and a warning.
#[inline(always)]
pub(crate) fn passed<T>(object: Option<T>) -> Result<T> {
    if warn_on!(object.is_none()) {
        return Err(EINVAL);
    }
    object.ok_or(EINVAL)
}
