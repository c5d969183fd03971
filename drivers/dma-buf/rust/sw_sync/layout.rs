// SPDX-License-Identifier: GPL-2.0

//! Structures of C, as types.

pub(crate) mod base;
pub(crate) mod counter;
pub(crate) mod index;
