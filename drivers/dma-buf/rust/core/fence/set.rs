// SPDX-License-Identifier: GPL-2.0

//! Several fences in one allocation, as C wants them for arrays.

use super::layout::reference::put;
use crate::kmalloc;
use core::{
    cmp::Ordering,
    mem::{
        forget,
        ManuallyDrop, //
    },
    ptr,
};
use kernel::{
    bindings,
    bindings::dma_fence,
    dma_buf::Fence,
    prelude::*,
    sync::aref::ARef, //
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
    pub(super) unsafe fn from_raw(fences: *mut *mut dma_fence, len: usize) -> Self {
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
        unsafe { core::slice::from_raw_parts_mut(self.ptr, self.len) }
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
        let fences = ptr::slice_from_raw_parts_mut(self.ptr, self.len);

        // INVARIANT: There are none and there is no room.
        (self.ptr, self.len, self.capacity) = (ptr::null_mut(), 0, 0);
        // SAFETY: By the type invariant. Nobody finds them here any more.
        unsafe {
            ptr::drop_in_place(fences);
            bindings::kfree(fences.cast());
        }
    }

    /// Leaves of each context only the latest fence.
    pub(crate) fn deduplicate(&mut self) {
        // INVARIANT: The references behind those that are left are gone.
        self.len = deduplicate(self.slots());
    }

    /// The C array and its length.
    pub(crate) fn into_raw(self) -> (*mut *mut dma_fence, usize) {
        let (ptr, len) = self.into_parts();

        (ptr.cast(), len)
    }

    /// The array and its length.
    pub(super) fn into_parts(self) -> (*mut Option<ARef<Fence>>, usize) {
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

/// Sorts `fences` by context and leaves of each only the latest, in front. Drops the references to
/// the others. Returns how many are left.
pub(super) fn deduplicate(fences: &mut [Option<ARef<Fence>>]) -> usize {
    let mut last = None;
    let is_in_order = fences.iter().all(|fence| {
        let context = fence.as_ref().map(|fence| fence.context());

        // Nothing comes before all that there is.
        core::mem::replace(&mut last, context) < context
    });
    if is_in_order {
        return fences.len();
    }

    // SAFETY: The slice is valid, and `compare` gets pointers to its elements. Rust's own sort
    // would be free to panic where sequence numbers have wrapped around and do not form an order.
    unsafe {
        bindings::sort(
            fences.as_mut_ptr().cast(),
            fences.len(),
            size_of::<Option<ARef<Fence>>>(),
            Some(compare),
            None,
        )
    };

    let mut left: usize = 0;
    let mut last = None;
    for i in 0..fences.len() {
        let Some(fence) = fences.get_mut(i).and_then(Option::take) else {
            continue;
        };
        let context = fence.context();

        match fences.get_mut(left) {
            Some(slot) if last != Some(context) => {
                // It is empty: what was there has been taken.
                forget(slot.replace(fence));
                left += 1;
                last = Some(context);
            }
            _ => drop(fence),
        }
    }
    left
}

/// By context, and the latest of a context first.
///
/// # Safety
///
/// Both must point to references, or none, to fences.
unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: By this function's contract.
    let (Some(a), Some(b)) = (unsafe {
        (
            a.cast::<Option<&Fence>>().read(),
            b.cast::<Option<&Fence>>().read(),
        )
    }) else {
        return 0;
    };
    let order = a.context().cmp(&b.context()).then_with(|| {
        if a.is_later_than(b) == Some(true) {
            Ordering::Less
        } else if b.is_later_than(a) == Some(true) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    });

    order as c_int
}
