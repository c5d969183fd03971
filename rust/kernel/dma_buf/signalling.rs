// SPDX-License-Identifier: GPL-2.0

//! What fences wait for, as types.
//!
//! Who waits for a fence may hold a reservation object, or want memory. So the code that has to run
//! before a fence is signalled must want neither. It begins in few places: a work item of a
//! [`JobQueue`], or an [interrupt](SignallingInterrupt). There nobody holds anything yet, and there
//! it gets the token, a [`Signalling`]. What sleeps, allocates or takes a reservation object is
//! kept [`AfterSignal`], which does not open with that token, but with [`MaySleep`], which is to be
//! had when the fences are signalled.
//!
//! What the types do not see is in the list "What no type can see" of `dma-buf-rust-tour.rst` in
//! `Documentation/driver-api`.

mod after;
mod carrier;
mod interrupt;
mod job;
mod token;

pub use self::{
    after::{
        AfterSignal,
        SignallingView, //
    },
    interrupt::{
        SignallingHandler,
        SignallingInterrupt, //
    },
    job::{
        JobQueue,
        SignallingJob,
        SignallingWork, //
    },
    token::{
        MaySleep,
        Signalling, //
    },
};
