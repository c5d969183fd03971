// SPDX-License-Identifier: GPL-2.0

//! What others do for us.

/// An operation of a table in C, which only `layout` calls: with what it belongs to, and while that
/// is as the operation needs it.
#[repr(transparent)]
pub(in crate::buffer) struct Operation<F>(pub(super) F);
