// SPDX-License-Identifier: GPL-2.0

//! Structures of C, as types.

pub(crate) mod class;
pub(crate) mod description;
pub(crate) mod groups;
pub(crate) mod owner;
