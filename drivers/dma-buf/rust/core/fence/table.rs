// SPDX-License-Identifier: GPL-2.0

//! The table of what a fence's issuer does: `struct dma_fence_ops`.

use super::layout::{
    fence::Time,
    operation::Operation, //
};
use crate::table::{
    table,
    Arg,
    ArgGiven,
    ArgHeld, //
};
use kernel::{
    bindings::dma_fence,
    prelude::*, //
};

/// An operation that a fence is all that it needs for, within RCU.
pub(super) type Question<R> = Operation<extern "C" fn(Arg<'_, dma_fence>) -> R>;

table! {
    /// What an issuer does.
    ///
    /// # Invariants
    ///
    /// Each function may be called as `struct dma_fence_ops` says, with a fence of this issuer. An
    /// issuer that has `wait` or `release` outlives its fences.
    pub(super) struct Table: dma_fence_ops of Operation {
        fn get_driver_name(Arg<dma_fence>) -> *const c_char;
        fn get_timeline_name(Arg<dma_fence>) -> *const c_char;
        fn enable_signaling(ArgHeld<dma_fence>) -> bool;
        fn signaled(Arg<dma_fence>) -> bool;
        fn wait(Arg<dma_fence>; bool, c_long) -> c_long;
        /// Takes over a fence without references.
        fn release(ArgGiven<dma_fence>);
        fn set_deadline(Arg<dma_fence>; Time);
    }
}
