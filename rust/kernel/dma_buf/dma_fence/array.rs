// SPDX-License-Identifier: GPL-2.0

//! Several fences as one.
//!
//! C header: [`include/linux/dma-fence-array.h`](srctree/include/linux/dma-fence-array.h)

use super::{
    abi,
    raw::Fence, //
};
use crate::{
    bindings,
    prelude::*,
    sync::aref::ARef, //
};
use core::{
    ops::Deref,
    ptr::NonNull,
    slice, //
};

// An `ARef` has one field that is not a ZST, a pointer: if the size is that of a pointer then the
// layout is, too.
const _: () = assert!(size_of::<ARef<Fence>>() == size_of::<*mut bindings::dma_fence>());

/// A fence that is signalled when all of its fences are, with the first error that one of them has.
///
/// Wraps the C `struct dma_fence_array`. Derefs to [`Fence`].
///
/// # Invariants
///
/// The fence is the `base` of an initialised array, its first member.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Fence, FenceArray};
///
/// let mut fences = KVec::new();
/// fences.push(Fence::stub(), GFP_KERNEL)?;
/// fences.push(Fence::stub(), GFP_KERNEL)?;
///
/// let fence = FenceArray::new(fences)?;
/// assert!(fence.is_signaled());
/// assert_eq!(fence.as_array().map(|array| array.fences().len()), Some(2));
///
/// // There are no arrays of arrays.
/// let mut fences = KVec::new();
/// fences.push(fence, GFP_KERNEL)?;
/// assert_eq!(FenceArray::new(fences).err(), Some(EINVAL));
/// # Ok::<(), Error>(())
/// ```
#[repr(transparent)]
pub struct FenceArray(Fence);

impl FenceArray {
    /// One fence for all of `fences`.
    ///
    /// Fails with `EINVAL` if there are none or a container is among them, and with `ENOMEM`. May
    /// sleep. See [`Fence::merge`] for fences of any kind.
    // What one does with an array is what one does with any fence.
    #[expect(clippy::new_ret_no_self)]
    #[inline]
    pub fn new(fences: KVec<ARef<Fence>>) -> Result<ARef<Fence>> {
        let count = c_int::try_from(fences.len())?;

        if count == 0 || fences.iter().any(|fence| fence.is_container()) {
            return Err(EINVAL);
        }
        let (fences, len, capacity) = fences.into_raw_parts();
        let context = abi::dma_fence_context_alloc(1);

        // SAFETY: There are `count` references to valid fences, in memory from `kmalloc()`. If the
        // call succeeds both belong to the array, which is ours.
        unsafe {
            let array = bindings::dma_fence_array_create(count, fences.cast(), context, 1);
            if array.is_null() {
                drop(KVec::from_raw_parts(fences, len, capacity));
            }
            Fence::from_owned(array.cast())
        }
        .ok_or(ENOMEM)
    }

    /// The fences in the array.
    #[inline]
    pub fn fences(&self) -> &[&Fence] {
        let array: *mut bindings::dma_fence_array = self.0.as_raw().cast();

        // SAFETY: By the type invariant; the content of an array is constant. It has references to
        // its fences, and a reference to a `Fence` is a pointer to a `struct dma_fence`.
        // MODEL: none, because they are constant.
        unsafe { slice::from_raw_parts((*array).fences.cast(), (*array).num_fences as usize) }
    }
}

impl Deref for FenceArray {
    type Target = Fence;

    #[inline]
    fn deref(&self) -> &Fence {
        &self.0
    }
}

impl Fence {
    /// This fence as what it is, if it is a [`FenceArray`].
    #[inline]
    pub fn as_array(&self) -> Option<&FenceArray> {
        self.is_array().then(|| {
            // INVARIANT: The operations say what this is.
            //
            // SAFETY: `FenceArray` is transparent.
            unsafe { NonNull::from(self).cast().as_ref() }
        })
    }
}
