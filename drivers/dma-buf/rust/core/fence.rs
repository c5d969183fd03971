// SPDX-License-Identifier: GPL-2.0

//! Fences.
//!
//! Implements what [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h) and its
//! companions for arrays, chains and unwrapping declare.
//!
//! # A fence's life
//!
//! A fence is initialised by its issuer, may be asked to signal (`EnableSignal`), is signalled once
//! (`Signaled`, then `Timestamp`) and is released when its last reference goes.
//!
//! Who may look at which part of it, under what and until when is in
//! [the documentation](srctree/Documentation/driver-api/dma-buf-rust.rst).
//!
//! Because a callback runs under the lock, and taking one off takes the lock, a callback is not
//! running any more once [`remove_callback`] has returned.
//!
//! # Locking
//!
//! A fence's lock is taken with interrupts disabled and is innermost, but for this: an array or a
//! chain takes the locks of the fences it is made of under its own. Those are never containers of
//! the same kind, and they signal the container from an `irq_work`, outside their own lock.

mod abi;
mod annotation;
pub(crate) mod array;
mod callback;
pub(crate) mod chain;
mod context;
mod flag;
mod hooks;
mod init;
mod layout;
mod names;
pub(crate) mod nested;
mod ops;
mod reference;
mod release;
mod set;
mod signal;
mod state;
pub(crate) mod stub;
mod table;
mod trace;
pub(crate) mod unwrap;
pub(crate) mod wait;
mod wanted;

#[cfg(CONFIG_LOCKDEP)]
pub(crate) use self::annotation::might_wait;
pub(crate) use self::{
    array::is_container,
    callback::add_in_rcu as add_callback,
    flag::Flag,
    layout::{
        fence::{
            get_unless_zero,
            Time, //
        },
        lock::Lent,
        set::FenceSet, //
    },
    names::describe,
    reference::{
        put,
        put_here, //
    },
    signal::{
        ask,
        is_done,
        set_deadline, //
    },
    state::has,
    wanted::{
        Missed,
        Wanted, //
    }, //
};
#[cfg(CONFIG_SYNC_FILE)]
pub(crate) use self::{
    callback::remove as remove_callback,
    layout::name::Name,
    names::with_names,
    signal::status, //
};
