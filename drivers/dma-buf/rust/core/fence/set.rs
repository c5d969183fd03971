// SPDX-License-Identifier: GPL-2.0

//! Several fences in one allocation, as C wants them for arrays.

use core::{
    cmp::Ordering,
    ptr::NonNull, //
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
/// Each pointer owns a reference.
#[derive(Default)]
pub(crate) struct FenceSet(KVec<*mut dma_fence>);

impl FenceSet {
    /// Fails with `ENOMEM`. May sleep.
    pub(crate) fn with_capacity(capacity: usize) -> Result<Self> {
        Ok(Self(KVec::with_capacity(capacity, GFP_KERNEL)?))
    }

    /// Makes room for `count` fences in all. Fails with `ENOMEM`. May sleep.
    pub(crate) fn reserve(&mut self, count: usize) -> Result {
        Ok(self
            .0
            .reserve(count.saturating_sub(self.0.len()), GFP_KERNEL)?)
    }

    /// Fails with `ENOMEM`, which it does not if there is room. May sleep if there is none.
    pub(crate) fn push(&mut self, fence: ARef<Fence>) -> Result {
        // INVARIANT: The reference goes over.
        self.0.push(fence.as_raw(), GFP_KERNEL)?;
        core::mem::forget(fence);
        Ok(())
    }

    pub(crate) fn pop(&mut self) -> Option<ARef<Fence>> {
        let fence = self.0.pop()?;

        // SAFETY: By the type invariant the reference is ours.
        unsafe { Fence::from_owned(fence) }
    }

    pub(crate) fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Leaves of each context only the latest fence.
    pub(crate) fn deduplicate(&mut self) {
        // SAFETY: By the type invariant.
        let left = unsafe { deduplicate(&mut self.0) };
        self.0.truncate(left);
    }

    /// The C array and its length. Its memory comes from `kmalloc()`.
    pub(crate) fn into_raw(mut self) -> (*mut *mut dma_fence, usize) {
        let (ptr, len, _) = core::mem::take(&mut self.0).into_raw_parts();

        (ptr, len)
    }
}

impl Drop for FenceSet {
    fn drop(&mut self) {
        self.clear();
    }
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
