// SPDX-License-Identifier: GPL-2.0

//! Fences: the promise that some work will be done.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)
//!
//! [`FenceContext`], [`FenceContextOps`], [`DriverFenceAllocation`], [`DriverFence`], [`Fence`],
//! [`FenceCallback`] and [`FenceCallbackRegistration`] are what upstream's module of this name has,
//! with the same meaning. The rest, and what these say of themselves that upstream does not, are
//! additions.

mod abi;
mod allocation;
mod array;
mod callback;
mod chain;
mod context;
mod cursor;
pub(super) mod declare;
mod deferred;
mod driver;
mod foreign;
mod head;
mod inner;
mod inside;
mod leaf;
mod lock;
mod memory;
mod names;
mod ops;
mod raw;
mod section;
mod shared;
mod state;
mod table;
mod timeline;
mod unwrap;
mod wait;

pub use self::{
    allocation::DriverFenceAllocation,
    array::FenceArray,
    callback::{
        CallbackError,
        FenceCallback,
        FenceCallbackRegistration, //
    },
    chain::{
        ChainLink,
        ChainMember,
        ChainWalk,
        FenceChain, //
    },
    context::FenceContext,
    driver::DriverFence,
    foreign::DriverFenceBorrow,
    leaf::LeafFence,
    ops::FenceContextOps,
    raw::Fence,
    section::SignallingSection,
    state::FenceStatus,
    unwrap::Unwrap,
    wait::{
        WaitAnyResult,
        WaitResult, //
    },
};
pub(super) use self::{
    raw::OwnedFence,
    wait::timeout_as_raw, //
};
