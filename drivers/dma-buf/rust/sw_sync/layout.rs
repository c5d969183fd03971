// SPDX-License-Identifier: GPL-2.0

//! Structures of C, as types, and the objects that are made of them.

pub(crate) mod base;
pub(crate) mod counter;
pub(crate) mod index;
pub(crate) mod issue;
pub(crate) mod objects;
