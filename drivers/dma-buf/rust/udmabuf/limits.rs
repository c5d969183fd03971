// SPDX-License-Identifier: GPL-2.0

//! How much user space can ask for: the parameters of the module, which root can change any time.

use kernel::{
    page::PAGE_SHIFT,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

// Safe, since both are `int`s in `exports.c`, which C code changes with single stores, and which an
// atomic integer has the layout of.
unsafe extern "C" {
    safe static udmabuf_list_limit: Atomic<c_int>;
    safe static udmabuf_size_limit_mb: Atomic<c_int>;
}

/// How many items a list may have. A negative limit is none.
pub(crate) fn items() -> usize {
    // MODEL: none, because a parameter says nothing of other memory.
    usize::try_from(udmabuf_list_limit.load(Relaxed)).unwrap_or(usize::MAX)
}

/// How many pages a buffer may have. A negative limit is none, except for what has an address.
pub(crate) fn pages() -> usize {
    let most = usize::MAX >> PAGE_SHIFT;

    // MODEL: none, because a parameter says nothing of other memory.
    u64::try_from(udmabuf_size_limit_mb.load(Relaxed))
        .ok()
        .and_then(|megabytes| usize::try_from((megabytes << 20) >> PAGE_SHIFT).ok())
        .map_or(most, |limit| limit.min(most))
}
