// SPDX-License-Identifier: GPL-2.0

//! The numbers of contexts.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// Numbers for `count` new contexts; the first of them.
pub(super) fn allocate(count: u32) -> u64 {
    // Zero is the stubs'.
    static NEXT: Atomic<u64> = Atomic::new(1);

    // MODEL: unique-number
    NEXT.fetch_add(u64::from(count), Relaxed)
}
