// SPDX-License-Identifier: GPL-2.0

//! Taking containers of fences apart, and putting fences together.
//!
//! C header: [`include/linux/dma-fence-unwrap.h`](srctree/include/linux/dma-fence-unwrap.h)

use super::Fence;
use crate::{
    bindings,
    prelude::*,
    sync::aref::ARef, //
};
use core::ptr::NonNull;

impl Fence {
    /// The fences that `self` is made of: those in a chain, in an array, in a chain of arrays, or
    /// `self`.
    #[inline]
    pub fn unwrap(&self) -> Unwrap<'_> {
        Unwrap {
            head: Some(self),
            cursor: bindings::dma_fence_unwrap::default(),
        }
    }

    /// One fence that stands for all of `fences`, which may be containers.
    ///
    /// Of several fences of one context only the latest counts, and signalled ones do not: the
    /// result is a [`FenceArray`](super::FenceArray), the only fence that is left, or a new fence
    /// that is signalled already. The errors of those that are signalled already are lost.
    ///
    /// Fails with `ENOMEM`. May sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::Fence;
    ///
    /// let (a, b) = (Fence::stub(), Fence::stub());
    ///
    /// assert!(Fence::merge(&[&a, &b])?.is_signaled());
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn merge(fences: &[&Fence]) -> Result<ARef<Fence>> {
        let mut cursors = KVec::new();
        cursors.extend_with(
            fences.len(),
            bindings::dma_fence_unwrap::default(),
            GFP_KERNEL,
        )?;

        // SAFETY: The fences are valid, and there is a cursor for each. A reference to a `Fence` is
        // a pointer to a `struct dma_fence`, and the array of them is not written to. Gives a
        // reference for us, or NULL.
        unsafe {
            Fence::from_owned(bindings::__dma_fence_unwrap_merge(
                fences.len(),
                fences.as_ptr().cast_mut().cast(),
                cursors.as_mut_ptr(),
            ))
        }
        .ok_or(ENOMEM)
    }
}

/// Iterator over the fences in a container. See [`Fence::unwrap`].
///
/// # Invariants
///
/// `cursor.chain` is NULL or holds a reference.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::Fence;
///
/// // This one is no container.
/// assert_eq!(Fence::stub().unwrap().count(), 1);
/// ```
pub struct Unwrap<'a> {
    head: Option<&'a Fence>,
    cursor: bindings::dma_fence_unwrap,
}

impl Iterator for Unwrap<'_> {
    type Item = ARef<Fence>;

    #[inline]
    fn next(&mut self) -> Option<ARef<Fence>> {
        let fence = match self.head.take() {
            // SAFETY: The head is a valid fence, and the cursor is ours.
            Some(head) => unsafe {
                bindings::dma_fence_unwrap_first(head.as_raw(), &mut self.cursor)
            },
            None if self.cursor.chain.is_null() => return None,
            // SAFETY: The cursor was started by `dma_fence_unwrap_first()` and is not at its end.
            None => unsafe { bindings::dma_fence_unwrap_next(&mut self.cursor) },
        };

        // SAFETY: The cursor's reference keeps the fence alive up to the next step.
        NonNull::new(fence).map(|fence| unsafe { Fence::from_raw(fence.as_ptr()) }.into())
    }
}

impl Drop for Unwrap<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant; an iteration that ran to its end has left NULL.
        drop(unsafe { Fence::from_owned(self.cursor.chain) });
    }
}
