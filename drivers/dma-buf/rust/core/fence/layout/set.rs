// SPDX-License-Identifier: GPL-2.0

//! Several fences in one allocation, as C wants them for arrays.

use crate::{
    fence::{
        reference::{
            put,
            put_here, //
        },
        set::deduplicate, //
    },
    kmalloc, //
};
use core::{
    mem::{
        offset_of,
        ManuallyDrop, //
    },
    ptr,
    slice, //
};
use kernel::{
    bindings::{
        self,
        dma_fence,
        dma_fence_array, //
    },
    dma_buf::Fence,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Atomic, //
    }, //
};

/// Fences with a reference each.
///
/// # Invariants
///
/// `ptr` is NULL or has room for `capacity` references and comes from `kmalloc()`. The first `len`
/// are there.
pub(crate) struct FenceSet {
    ptr: *mut Option<ARef<Fence>>,
    len: usize,
    capacity: usize,
}

impl FenceSet {
    /// No fences, and no room for any.
    pub(crate) const EMPTY: Self = Self {
        ptr: ptr::null_mut(),
        len: 0,
        capacity: 0,
    };

    /// Fails with `ENOMEM`. May sleep.
    pub(crate) fn with_capacity(capacity: usize) -> Result<Self> {
        Ok(Self {
            ptr: KBox::into_raw(kmalloc::fences(capacity)?).cast(),
            len: 0,
            capacity,
        })
    }

    /// Takes over a C array.
    ///
    /// # Safety
    ///
    /// `fences` must be NULL or have `len` references and come from `kmalloc()`.
    #[inline(always)]
    pub(in crate::fence) unsafe fn from_raw(fences: *mut *mut dma_fence, len: usize) -> Self {
        // INVARIANT: By this function's contract.
        Self {
            ptr: fences.cast(),
            len,
            capacity: len,
        }
    }

    /// Fails with `ENOMEM` if there is no room.
    #[inline(always)]
    pub(crate) fn push(&mut self, fence: ARef<Fence>) -> Result {
        if self.len >= self.capacity {
            put(fence);
            return Err(ENOMEM);
        }
        // SAFETY: By the type invariant there is room.
        unsafe { self.ptr.add(self.len).write(Some(fence)) };
        self.len += 1;
        Ok(())
    }

    fn slots(&mut self) -> &mut [Option<ARef<Fence>>] {
        if self.len == 0 {
            return &mut [];
        }
        // SAFETY: By the type invariant.
        unsafe { slice::from_raw_parts_mut(self.ptr, self.len) }
    }

    pub(crate) fn pop(&mut self) -> Option<ARef<Fence>> {
        let len = self.len.checked_sub(1)?;
        let last = self.slots().get_mut(len)?.take();

        self.len = len;
        last
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Drops the references, and frees the memory. Called once, at the end.
    #[inline(never)]
    fn free(&mut self) {
        let (fences, len) = (self.ptr, self.len);

        // INVARIANT: There are none and there is no room.
        (self.ptr, self.len, self.capacity) = (ptr::null_mut(), 0, 0);
        // SAFETY: By the type invariant. Nobody finds them here any more.
        unsafe {
            for at in 0..len {
                put_here(fences.add(at).read());
            }
            bindings::kfree(fences.cast());
        }
    }

    /// Leaves of each context only the latest fence.
    pub(crate) fn deduplicate(&mut self) {
        // INVARIANT: Those that are left are in front. What is behind them is lost at the worst.
        self.len = self.len.min(deduplicate(self.slots()));
    }

    /// The C array and its length.
    pub(crate) fn into_raw(self) -> (*mut *mut dma_fence, usize) {
        let (ptr, len) = self.into_parts();

        (ptr.cast(), len)
    }

    /// The array and its length.
    fn into_parts(self) -> (*mut Option<ARef<Fence>>, usize) {
        let this = ManuallyDrop::new(self);

        (this.ptr, this.len)
    }
}

impl Drop for FenceSet {
    #[inline]
    fn drop(&mut self) {
        if !self.ptr.is_null() {
            self.free();
        }
    }
}

/// The fences of a `struct dma_fence_array`.
///
/// # Invariants
///
/// `fences` are `count` of a [`FenceSet`]'s, which this owns, and do not change.
#[repr(C)]
pub(in crate::fence) struct Counted {
    count: u32,
    /// How many fences are pending, as far as this is known by callbacks.
    pub(in crate::fence) pending: Atomic<c_int>,
    fences: *mut Option<ARef<Fence>>,
}

const _: () = {
    let start = offset_of!(dma_fence_array, num_fences);

    assert!(start + offset_of!(Counted, pending) == offset_of!(dma_fence_array, num_pending));
    assert!(start + offset_of!(Counted, fences) == offset_of!(dma_fence_array, fences));
};

impl Counted {
    #[inline(always)]
    pub(in crate::fence) fn new(fences: FenceSet) -> Self {
        let (fences, count) = fences.into_parts();

        // INVARIANT: They go over.
        Self {
            count: count as u32,
            pending: Atomic::new(count as c_int),
            fences,
        }
    }

    /// Whether there is no fence, or nothing that one could be in.
    #[inline(always)]
    pub(in crate::fence) fn is_missing(&self) -> bool {
        self.count == 0 || self.fences.is_null()
    }

    #[inline(always)]
    pub(in crate::fence) fn get(&self) -> &[&Fence] {
        if self.count == 0 {
            return &[];
        }
        // SAFETY: By the type invariant; a reference is a pointer.
        unsafe { slice::from_raw_parts(self.fences.cast(), self.count as usize) }
    }
}

impl Drop for Counted {
    #[inline(always)]
    fn drop(&mut self) {
        let len = self.count as usize;

        // Who frees fences is a set, and what these were in.
        // INVARIANT: By the type invariant they were one's.
        drop(FenceSet {
            ptr: self.fences,
            len,
            capacity: len,
        });
    }
}
