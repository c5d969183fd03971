// SPDX-License-Identifier: GPL-2.0

//! Memory for what C frees, or what is freed by RCU: objects that are reference counted in C's way.
//!
//! `KBox` and `KVec` allocate through `krealloc()`, which costs more than the small objects here
//! that every submission of work needs one of. It is called in one place for all that is in Rust,
//! so that the slab allocator puts all of it together where it is told to keep kinds of objects
//! apart (`CONFIG_KMALLOC_PARTITION_CACHES`), and `/proc/allocinfo` blames that place. These are
//! allocated by functions in C, one for each kind, which the allocator knows the type from.
//!
//! What is allocated is to be freed with `kfree()` or `kfree_rcu()`. All of it fails with `ENOMEM`,
//! and sleeps, but for what says otherwise.

use core::ptr::NonNull;
use kernel::{
    bindings::{
        self,
        dma_buf_attachment,
        dma_fence,
        dma_fence_array,
        sync_file, //
    },
    prelude::*, //
};

// Safe, since these may be called at any time, with any size. The types are those that the
// functions below have; declared here, they would be too much for the compiler's check of types
// that C knows.
unsafe extern "C" {
    safe fn rust_dma_buf_alloc_attachment() -> *mut c_void;
    safe fn rust_dma_buf_alloc_fence() -> *mut c_void;
    safe fn rust_dma_buf_alloc_array(count: usize) -> *mut c_void;
    safe fn rust_dma_buf_alloc_fences(count: usize) -> *mut c_void;
    safe fn rust_dma_buf_alloc_sync_file() -> *mut c_void;
    safe fn rust_dma_buf_alloc_buffer(size: usize) -> *mut c_void;
    safe fn rust_dma_buf_alloc_list(size: usize, flags: bindings::gfp_t) -> *mut c_void;
}

fn check<T>(memory: *mut c_void) -> Result<NonNull<T>> {
    NonNull::new(memory.cast()).ok_or(ENOMEM)
}

/// An attachment, zeroed.
pub(crate) fn attachment() -> Result<NonNull<dma_buf_attachment>> {
    check(rust_dma_buf_alloc_attachment())
}

/// A fence, uninitialised.
pub(crate) fn fence() -> Result<NonNull<dma_fence>> {
    check(rust_dma_buf_alloc_fence())
}

/// An array of `count` fences, zeroed, with its callbacks.
pub(crate) fn array(count: usize) -> Result<NonNull<dma_fence_array>> {
    check(rust_dma_buf_alloc_array(count))
}

/// Pointers to `count` fences, uninitialised.
pub(crate) fn fences(count: usize) -> Result<NonNull<*mut dma_fence>> {
    check(rust_dma_buf_alloc_fences(count))
}

/// A sync_file, zeroed.
#[cfg_attr(not(CONFIG_SYNC_FILE), allow(dead_code))]
pub(crate) fn sync_file() -> Result<NonNull<sync_file>> {
    check(rust_dma_buf_alloc_sync_file())
}

/// `size` bytes for a buffer, zeroed.
pub(crate) fn buffer(size: usize) -> Result<NonNull<c_void>> {
    check(rust_dma_buf_alloc_buffer(size))
}

/// `size` bytes for the list of a reservation object, uninitialised.
pub(crate) fn list(size: usize) -> Result<NonNull<c_void>> {
    check(rust_dma_buf_alloc_list(size, bindings::GFP_KERNEL))
}

/// As [`list`], but does not sleep.
pub(crate) fn list_nowait(size: usize) -> Result<NonNull<c_void>> {
    let flags = bindings::GFP_NOWAIT | bindings::__GFP_NOWARN;

    check(rust_dma_buf_alloc_list(size, flags))
}
