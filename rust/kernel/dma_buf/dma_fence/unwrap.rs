// SPDX-License-Identifier: GPL-2.0

//! Taking containers of fences apart, and putting fences together.
//!
//! C header: [`include/linux/dma-fence-unwrap.h`](srctree/include/linux/dma-fence-unwrap.h)

use super::{
    abi,
    cursor::Cursor,
    raw::Fence, //
};
use crate::{
    bindings,
    prelude::*,
    sync::aref::ARef, //
};

impl Fence {
    /// The fences that `self` is made of: those in a chain, in an array, in a chain of arrays, or
    /// `self`.
    #[inline]
    pub fn unwrap(&self) -> Unwrap<'_> {
        Unwrap {
            head: Some(self),
            cursor: Cursor::default(),
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
    cursor: Cursor,
}

impl Iterator for Unwrap<'_> {
    type Item = ARef<Fence>;

    #[inline]
    fn next(&mut self) -> Option<ARef<Fence>> {
        let fence = match self.head.take() {
            Some(head) => abi::dma_fence_unwrap_first(head, &mut self.cursor),
            None if self.cursor.is_at_end() => None,
            None => abi::dma_fence_unwrap_next(&mut self.cursor),
        };

        fence.map(ARef::from)
    }
}
