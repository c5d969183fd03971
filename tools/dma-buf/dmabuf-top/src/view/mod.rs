// SPDX-License-Identifier: GPL-2.0

//! A report, for people and for programs.

pub mod csv;
pub mod frame;
pub mod rows;
pub mod state;
pub mod table;
pub mod text;
pub mod tree;
pub mod units;
