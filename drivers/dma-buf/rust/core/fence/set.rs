// SPDX-License-Identifier: GPL-2.0

//! Several fences in one allocation, as C wants them for arrays.

use crate::kmalloc;
use core::{
    cmp::Ordering,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    },
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
/// `ptr` is NULL or has room for `capacity` pointers and comes from `kmalloc()`. The first `len`
/// own a reference each.
pub(crate) struct FenceSet {
    ptr: *mut *mut dma_fence,
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

    /// Fails with `ENOMEM` if there is no room.
    pub(crate) fn push(&mut self, fence: ARef<Fence>) -> Result {
        if self.len >= self.capacity {
            return Err(ENOMEM);
        }
        // INVARIANT: The reference goes over.
        // SAFETY: By the type invariant there is room.
        unsafe { self.ptr.add(self.len).write(into_raw(fence)) };
        self.len += 1;
        Ok(())
    }

    pub(crate) fn pop(&mut self) -> Option<ARef<Fence>> {
        self.len = self.len.checked_sub(1)?;

        // SAFETY: By the type invariant the reference was ours, and is the caller's now.
        unsafe { Fence::from_owned(*self.ptr.add(self.len)) }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Leaves of each context only the latest fence.
    pub(crate) fn deduplicate(&mut self) {
        if self.len < 2 {
            return;
        }
        // INVARIANT: The references behind those that are left are gone.
        // SAFETY: By the type invariant.
        self.len = unsafe { deduplicate(core::slice::from_raw_parts_mut(self.ptr, self.len)) };
    }

    /// The C array and its length.
    pub(crate) fn into_raw(self) -> (*mut *mut dma_fence, usize) {
        let this = ManuallyDrop::new(self);

        (this.ptr, this.len)
    }
}

impl Drop for FenceSet {
    fn drop(&mut self) {
        if self.ptr.is_null() {
            return;
        }
        while self.pop().is_some() {}
        // SAFETY: By the type invariant.
        unsafe { bindings::kfree(self.ptr.cast()) };
    }
}

/// Gives a reference to C.
pub(crate) fn into_raw(fence: ARef<Fence>) -> *mut dma_fence {
    ARef::into_raw(fence).cast().as_ptr()
}

/// Sorts `fences` by context and leaves of each only the latest, in front. Drops the references to
/// the others. Returns how many are left.
///
/// # Safety
///
/// Each pointer must own a reference. Those behind the ones that are left do not any more.
pub(crate) unsafe fn deduplicate(fences: &mut [*mut dma_fence]) -> usize {
    // SAFETY: The slice is valid, and `compare` gets pointers to its elements. Rust's own sort
    // would be free to panic where sequence numbers have wrapped around and do not form an order.
    unsafe {
        bindings::sort(
            fences.as_mut_ptr().cast(),
            fences.len(),
            size_of::<*mut dma_fence>(),
            Some(compare),
            None,
        )
    };

    let mut left: usize = 0;
    let mut last = None;
    for i in 0..fences.len() {
        let Some(&ptr) = fences.get(i) else { break };
        // SAFETY: By the caller's guarantee.
        let context = unsafe { Fence::from_raw(ptr) }.context();

        if last == Some(context) {
            // SAFETY: The reference is ours.
            drop(unsafe { Fence::from_owned(ptr) });
            continue;
        }
        last = Some(context);
        if let Some(slot) = fences.get_mut(left) {
            *slot = ptr;
            left += 1;
        }
    }
    left
}

/// By context, and the latest of a context first.
///
/// # Safety
///
/// Both must point to pointers to fences.
unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: By this function's contract.
    let (a, b) = unsafe {
        (
            Fence::from_raw(*a.cast::<*mut dma_fence>()),
            Fence::from_raw(*b.cast::<*mut dma_fence>()),
        )
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

/// An array of fences that somebody else owns.
///
/// # Safety
///
/// The `count` pointers at `fences` must be valid fences for `'a`.
pub(crate) unsafe fn borrow<'a>(fences: *mut *mut dma_fence, count: usize) -> &'a [&'a Fence] {
    if count == 0 {
        return &[];
    }
    // SAFETY: By the caller's guarantee; a reference to a fence is a pointer to one.
    unsafe {
        core::slice::from_raw_parts(
            NonNull::new_unchecked(fences).cast::<&Fence>().as_ptr(),
            count,
        )
    }
}
