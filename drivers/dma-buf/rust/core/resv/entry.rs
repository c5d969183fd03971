// SPDX-License-Identifier: GPL-2.0

//! The entries of a list of fences.

use kernel::{
    bindings::{
        dma_fence,
        dma_resv_usage, //
    },
    dma_buf::Fence,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed,
            Release, //
        }, //
    }, //
};

/// What a fence stands for, as C has it.
pub(crate) type Usage = dma_resv_usage;

/// A pointer to a fence with the usage in its lower bits.
///
/// # Invariants
///
/// The pointer is not NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tagged(*mut dma_fence);

const USAGE_MASK: usize = 3;

const _: () = assert!(align_of::<dma_fence>() > USAGE_MASK);

impl Tagged {
    /// The reference goes over to the list that this is put into.
    #[inline(always)]
    pub(super) fn new(fence: ARef<Fence>, usage: Usage) -> Self {
        Self::tag(ARef::into_raw(fence).cast().as_ptr(), usage)
    }

    /// The same fence, and the reference that there is, with another usage.
    #[inline(always)]
    pub(super) fn with_usage(self, usage: Usage) -> Self {
        Self::tag(self.fence(), usage)
    }

    #[inline(always)]
    fn tag(fence: *mut dma_fence, usage: Usage) -> Self {
        // INVARIANT: The address is aligned, and a usage is one of C's four: that stays in the
        // lower bits.
        Self(fence.wrapping_byte_add(usage as usize))
    }

    #[inline(always)]
    pub(super) fn usage(self) -> Usage {
        (self.0.addr() & USAGE_MASK) as Usage
    }

    /// The fence, without anything that keeps it.
    #[inline(always)]
    pub(super) fn fence(self) -> *mut dma_fence {
        self.0.map_addr(|addr| addr & !USAGE_MASK)
    }
}

/// Memory for an entry.
#[repr(transparent)]
pub(super) struct Slot(Atomic<*mut dma_fence>);

impl Slot {
    /// The entry, which must have been written.
    #[inline(always)]
    pub(super) fn load(&self) -> Tagged {
        // Pairs with the release in `store()`, or with that of the number of entries: the fence is
        // complete. Its address comes from here, which orders what is read of it.
        // INVARIANT: Entries are not NULL.
        // MODEL: resv-count, resv-entry, resv-second-look
        Tagged(self.0.load(Relaxed))
    }

    #[inline(always)]
    pub(super) fn store(&self, entry: Tagged) {
        // MODEL: resv-entry, resv-second-look
        self.0.store(entry.0, Release);
    }

    /// As [`store`](Self::store), where readers do not look before something else tells them to.
    #[inline(always)]
    pub(super) fn prepare(&self, entry: Tagged) {
        // MODEL: resv-count
        self.0.store(entry.0, Relaxed);
    }
}
