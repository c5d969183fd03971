// SPDX-License-Identifier: GPL-2.0

//! The entries of a list of fences.

use super::Usage;
use core::ptr::NonNull;
use kernel::{
    bindings::dma_fence,
    dma_buf::Fence,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic,
            Release, //
        }, //
    }, //
};

/// A pointer to a fence with the usage in its lower bits.
///
/// # Invariants
///
/// The pointer is not NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(*mut dma_fence);

const USAGE_MASK: usize = 3;

const _: () = assert!(align_of::<dma_fence>() > USAGE_MASK);

impl Entry {
    /// The reference goes over to the list that the entry is put into.
    pub(super) fn new(fence: ARef<Fence>, usage: Usage) -> Self {
        let fence = ARef::into_raw(fence).cast::<dma_fence>();

        // INVARIANT: The address is aligned, so that what is added stays in its lower bits.
        Self(fence.as_ptr().map_addr(|addr| addr | usage as usize))
    }

    pub(super) fn usage(self) -> Usage {
        (self.0.addr() & USAGE_MASK) as Usage
    }

    pub(super) fn as_raw(self) -> NonNull<dma_fence> {
        // SAFETY: By the type invariant.
        unsafe { NonNull::new_unchecked(self.0.map_addr(|addr| addr & !USAGE_MASK)) }
    }
}

/// Memory for an entry.
#[repr(transparent)]
pub(super) struct Slot(Atomic<*mut dma_fence>);

impl Slot {
    /// The entry, which must have been written.
    pub(super) fn load(&self) -> Entry {
        // Pairs with the release in `store()`: the fence is complete.
        // INVARIANT: Entries are not NULL.
        Entry(self.0.load(Acquire))
    }

    pub(super) fn store(&self, entry: Entry) {
        self.0.store(entry.0, Release);
    }
}
