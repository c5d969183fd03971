// SPDX-License-Identifier: GPL-2.0

//! What is C's and belongs to no part alone.

pub(crate) mod listened_to;
