// SPDX-License-Identifier: GPL-2.0

//! Reservation objects.
//!
//! Implements what [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h) declares.
//!
//! Writers hold the object's lock; readers hold it too, or RCU. Who may look at what, and until
//! when, is in [the documentation](srctree/Documentation/driver-api/dma-buf-rust.rst).
//!
//! A reader without the lock takes a reference to what an entry names, unless the last one is gone,
//! and then looks whether the entry still names it: only then is it the fence that was added, and
//! not another one that was made in the same memory.

mod abi;
mod entry;
mod iter;
mod layout;
mod list;
#[cfg(CONFIG_LOCKDEP)]
pub(crate) mod lockdep;
mod read;
mod write;

pub(crate) use self::layout::{
    assert_held,
    has_no_list,
    might_lock,
    Sure, //
};
