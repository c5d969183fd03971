// SPDX-License-Identifier: GPL-2.0

//! Who holds which DMA-BUF buffers.
//!
//! [`parse`] understands the text that the kernel prints, [`collect`] reads it below roots that can be chosen, [`model`]
//! counts what was seen without counting anything twice, and [`view`] shows it. Uses go in that order only, backwards.

pub mod cli;
pub mod collect;
pub mod live;
pub mod model;
pub mod parse;
pub mod print;
pub mod view;
pub mod watch;
