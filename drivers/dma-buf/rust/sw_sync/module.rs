// SPDX-License-Identifier: GPL-2.0

//! The module that this crate is, if it is one.

kernel::c_module!(c"sw_sync");
