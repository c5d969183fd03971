// SPDX-License-Identifier: GPL-2.0

//! Fences that user space signals, for tests: `/sys/kernel/debug/sync/sw_sync`.
//!
//! Who opens the file gets a [`Timeline`](layout::objects::Timeline), a counter. With ioctls it
//! creates fences, each of which is signalled when the counter reaches its number, and advances the
//! counter. Beside it, `/sys/kernel/debug/sync/info` lists all timelines and the fences that wait.
//!
//! The fence core and sync_file are reached through their exported symbols only.
//!
//! # Who owns whom
//!
//! - An open `sw_sync` file owns a reference to its timeline.
//! - A fence ([`Point`](layout::objects::Point)) owns a reference to its timeline, for as long as
//!   there is a reference to the fence, and pins the module.
//! - A timeline owns none of its fences. It knows those that it has yet to signal by an
//!   [`Index`](layout::index::Index), a tree whose nodes are in the fences, and so
//!   [`TIMELINES`](layout::objects::TIMELINES) knows the timelines. An object takes
//!   itself out of its index, under the lock that guards the index, after its last reference is
//!   gone and before it is freed. So whatever is found under the lock is valid while the lock is
//!   held, but may be dying: who wants to use it longer takes a reference unless the count is zero
//!   already. Nobody here raises a count of zero again, and a fence that user space drops leaves
//!   nothing behind.
//!
//! The memory of both is freed a grace period of RCU after the last reference is gone: readers may
//! still look at the name of a timeline whose fence was signalled under their eyes.
//!
//! # Locking
//!
//! | what | guarded by |
//! |---|---|
//! | a timeline's value, and that fences come in | the timeline's `order`, a mutex |
//! | the index of fences that wait | the timeline's `pending` |
//! | the index of timelines | the lock that it is in |
//!
//! `order` is taken first, in ioctls, in the release of the file and for `sync/info`. The other
//! two are spinlocks that disable interrupts. None of them is held while a fence is signalled or
//! a reference is dropped, nor while another lock of this list is taken. They may be taken with
//! the lock of any fence held: a callback of one fence may drop the last reference to another.
//!
//! A fence uses the lock inside it; its deadline is atomic. So is a timeline's value, since
//! a fence compares it with its number under no lock at all; it goes up before the first fence is
//! signalled for it.

mod abi;
mod deadline;
mod file;
mod info;
mod ioctl;
mod layout;
mod module;
mod registry;
mod seqno;
mod state;
mod timeline;
mod trace;

pub(crate) use self::module::LocalModule;
