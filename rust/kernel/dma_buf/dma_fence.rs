// SPDX-License-Identifier: GPL-2.0

//! Fences, as those see them who wait for them.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

mod abi;
mod array;
mod callback;
mod chain;
mod context;
pub(super) mod declare;
mod deferred;
mod driver;
mod head;
mod inner;
mod inside;
mod leaf;
mod memory;
mod ops;
mod raw;
mod section;
mod state;
mod table;
mod timeline;
mod unwrap;
mod wait;

pub use self::{
    array::FenceArray,
    callback::{
        CallbackRegistration,
        FenceCallback, //
    },
    chain::{
        ChainLink,
        ChainMember,
        ChainWalk,
        FenceChain, //
    },
    context::FenceContext,
    driver::DriverFence,
    inner::FenceAllocation,
    leaf::LeafFence,
    ops::FenceOps,
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
