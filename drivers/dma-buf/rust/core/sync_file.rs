// SPDX-License-Identifier: GPL-2.0

//! sync_file: a fence as a file.
//!
//! Implements what [`include/linux/sync_file.h`](srctree/include/linux/sync_file.h) declares. The
//! file owns the `struct sync_file`, which owns a reference to the fence.
//!
//! The first poll puts a callback on the fence, which wakes all pollers. It may be running when the
//! file is released; taking it off waits for that, under the fence's lock.

mod abi;
mod create;
mod file;
mod ioctl;
mod layout;
mod name;

pub(crate) use self::file::new as new_file;
