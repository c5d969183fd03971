// SPDX-License-Identifier: GPL-2.0

//! What is in C's structures, with the types of Rust.
//!
//! A structure is declared again with fields of which each knows who may access it when. That both
//! are the same is checked where it is declared.

pub(super) mod callback;
pub(super) mod container;
pub(super) mod dying;
pub(super) mod fence;
pub(super) mod lock;
pub(super) mod name;
pub(super) mod operation;
pub(super) mod ops;
pub(super) mod set;
pub(super) mod share;
