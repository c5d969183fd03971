// SPDX-License-Identifier: GPL-2.0

//! What was seen, and what it comes to. No file is opened here, and no text is made.

pub mod builder;
pub mod history;
pub mod holders;
pub mod ledger;
pub mod number;
pub mod report;
pub mod snapshot;
pub mod sum;
