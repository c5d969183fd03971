// SPDX-License-Identifier: GPL-2.0

//! Memory for what C frees, or what is freed by RCU: objects that are reference counted in C's way.
//!
//! `KBox` and `KVec` allocate through `krealloc()`, which costs more than the small objects here
//! that every submission of work needs one of. It is called in one place for all that is in Rust,
//! so that the slab allocator puts all of it together where it is told to keep kinds of objects
//! apart (`CONFIG_KMALLOC_PARTITION_CACHES`), and `/proc/allocinfo` blames that place. These are
//! allocated by functions in C, one for each kind, which the allocator knows the type from.
//!
//! What is allocated is a box like any other, and may be given to what frees it with `kfree()` or
//! `kfree_rcu()`. All of it fails with `ENOMEM`, and sleeps, but for what says otherwise.

use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    bindings::{
        self,
        dma_fence,
        dma_fence_array, //
    },
    prelude::*, //
};

/// Memory that nobody has yet.
///
/// # Invariants
///
/// It comes from `kmalloc()`, belongs to this object and holds a `T`, at the least.
#[repr(transparent)]
struct Memory<T = ()>(NonNull<c_void>, PhantomData<T>);

impl<T> Memory<T> {
    fn into_box(self) -> KBox<T> {
        // SAFETY: By the type invariant.
        unsafe { KBox::from_raw(self.0.cast().as_ptr()) }
    }
}

impl Memory {
    /// Takes it for a `T`, which must be no larger than what was asked for.
    fn of<T>(self) -> Memory<MaybeUninit<T>> {
        Memory(self.0, PhantomData)
    }
}

// Safe, since these may be called at any time, with any size: they give memory, as large as they
// say, or NULL. The pointers are those that the functions below give; declared here, they would be
// too much for the compiler's check of types that C knows.
unsafe extern "C" {
    safe fn rust_dma_buf_alloc_attachment() -> Option<Memory>;
    safe fn rust_dma_buf_alloc_fence() -> Option<Memory<MaybeUninit<dma_fence>>>;
    safe fn rust_dma_buf_alloc_array(count: usize) -> Option<Memory<dma_fence_array>>;
    safe fn rust_dma_buf_alloc_fences(count: usize) -> Option<Memory<MaybeUninit<*mut dma_fence>>>;
    safe fn rust_dma_buf_alloc_sync_file() -> Option<Memory>;
    safe fn rust_dma_buf_alloc_buffer(size: usize) -> Option<Memory>;
    safe fn rust_dma_buf_alloc_list(size: usize, flags: bindings::gfp_t) -> Option<Memory>;
    safe fn kmalloc_size_roundup(size: usize) -> usize;
}

fn check<T>(memory: Option<Memory<T>>) -> Result<KBox<T>> {
    memory.map(Memory::into_box).ok_or(ENOMEM)
}

/// An attachment. `T` is a view of C's.
pub(crate) fn attachment<T>() -> Result<KBox<MaybeUninit<T>>> {
    const { assert!(size_of::<T>() == size_of::<bindings::dma_buf_attachment>()) };

    check(rust_dma_buf_alloc_attachment().map(Memory::of))
}

/// A fence.
pub(crate) fn fence() -> Result<KBox<MaybeUninit<dma_fence>>> {
    check(rust_dma_buf_alloc_fence())
}

/// An array of fences, zeroed, which `count` callbacks follow.
pub(crate) fn array(count: usize) -> Result<KBox<dma_fence_array>> {
    check(rust_dma_buf_alloc_array(count))
}

/// The first of `count` pointers to fences.
pub(crate) fn fences(count: usize) -> Result<KBox<MaybeUninit<*mut dma_fence>>> {
    check(rust_dma_buf_alloc_fences(count))
}

/// A sync_file. `T` is a view of C's.
#[cfg_attr(not(CONFIG_SYNC_FILE), allow(dead_code))]
pub(crate) fn sync_file<T>() -> Result<KBox<MaybeUninit<T>>> {
    const { assert!(size_of::<T>() == size_of::<bindings::sync_file>()) };

    check(rust_dma_buf_alloc_sync_file().map(Memory::of))
}

/// A buffer, with what belongs to it.
pub(crate) fn buffer<T>() -> Result<KBox<MaybeUninit<T>>> {
    check(rust_dma_buf_alloc_buffer(size_of::<T>()).map(Memory::of))
}

/// The head of the list of a reservation object, and how many bytes follow, `tail` at the least.
/// Sleeps if it may.
pub(crate) fn list<T>(tail: usize, may_sleep: bool) -> Result<(KBox<MaybeUninit<T>>, usize)> {
    let flags = if may_sleep {
        bindings::GFP_KERNEL
    } else {
        bindings::GFP_NOWAIT | bindings::__GFP_NOWARN
    };
    let size = kmalloc_size_roundup(tail.checked_add(size_of::<T>()).ok_or(ENOMEM)?);
    let memory = rust_dma_buf_alloc_list(size, flags);

    Ok((
        check(memory.map(Memory::of))?,
        size.saturating_sub(size_of::<T>()),
    ))
}
