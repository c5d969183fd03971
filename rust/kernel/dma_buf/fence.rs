// SPDX-License-Identifier: GPL-2.0

//! Fences, as those see them who wait for them.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use crate::{
    bindings,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque,
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// The promise that some work will be done.
///
/// Wraps the C `struct dma_fence`. Whoever holds a `Fence` can wait for it and look at it, but not
/// signal it.
///
/// # Invariants
///
/// The wrapped fence is initialised and its reference count is not zero.
#[repr(transparent)]
pub struct Fence(Opaque<bindings::dma_fence>);

// SAFETY: The reference count may be dropped from any thread.
unsafe impl Send for Fence {}

// SAFETY: A fence does its own locking.
unsafe impl Sync for Fence {}

// SAFETY: `refcount` counts the references, and the fence lives while it is not zero.
unsafe impl AlwaysRefCounted for Fence {
    #[inline]
    fn inc_ref(&self) {
        // SAFETY: By the type invariant the count is not zero.
        unsafe { bindings::refcount_inc(&raw mut (*self.as_raw()).refcount.refcount) };
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        let fence: *mut bindings::dma_fence = obj.cast().as_ptr();

        // SAFETY: The caller owns a reference and gives it up; if it was the last one, nobody
        // else can reach the fence any more.
        unsafe {
            if bindings::refcount_dec_and_test(&raw mut (*fence).refcount.refcount) {
                bindings::dma_fence_release(&raw mut (*fence).refcount);
            }
        }
    }
}

impl Fence {
    /// Borrows a fence from a C pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a fence whose reference count stays above zero for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::dma_fence) -> &'a Self {
        // SAFETY: By the caller's guarantee; `Fence` is transparent.
        unsafe { &*ptr.cast() }
    }

    /// Takes over a reference from C.
    ///
    /// # Safety
    ///
    /// `ptr` must be NULL, or a fence with a reference that the caller gives up.
    #[inline]
    pub unsafe fn from_owned(ptr: *mut bindings::dma_fence) -> Option<ARef<Self>> {
        // SAFETY: By the caller's guarantee.
        NonNull::new(ptr).map(|fence| unsafe { ARef::from_raw(fence.cast()) })
    }

    /// The C `struct dma_fence`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::dma_fence {
        self.0.get()
    }

    /// A fence that is signalled already.
    #[inline]
    pub fn stub() -> ARef<Self> {
        // SAFETY: May be called at any time; gives a reference to a fence that lives for ever.
        unsafe { ARef::from_raw(NonNull::new_unchecked(bindings::dma_fence_get_stub()).cast()) }
    }

    /// The fences that `self` is made of: those in a chain, in an array, in a chain of arrays, or
    /// `self`.
    #[inline]
    pub fn unwrap(&self) -> Unwrap<'_> {
        Unwrap {
            head: Some(self),
            cursor: bindings::dma_fence_unwrap::default(),
        }
    }
}

/// Iterator over the fences in a container. See [`Fence::unwrap`].
///
/// # Invariants
///
/// `cursor.chain` is NULL or holds a reference.
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

/// Iterator over the fences of a locked reservation object. See
/// [`ResvGuard::fences`](super::ResvGuard::fences).
pub struct Fences<'a> {
    cursor: bindings::dma_resv_iter,
    started: bool,
    _p: PhantomData<&'a Fence>,
}

impl Fences<'_> {
    /// # Safety
    ///
    /// `resv` must be locked for as long as the iterator lives.
    #[inline]
    pub(super) unsafe fn new(
        resv: *mut bindings::dma_resv,
        usage: bindings::dma_resv_usage,
    ) -> Self {
        let mut cursor = bindings::dma_resv_iter::default();

        // SAFETY: `cursor` is ours, and `resv` is valid.
        unsafe { bindings::dma_resv_iter_begin(&mut cursor, resv, usage) };
        Self {
            cursor,
            started: false,
            _p: PhantomData,
        }
    }
}

impl<'a> Iterator for Fences<'a> {
    type Item = &'a Fence;

    #[inline]
    fn next(&mut self) -> Option<&'a Fence> {
        // SAFETY: The cursor was begun on an object that is locked. Its fences stay while it is.
        unsafe {
            let fence = if core::mem::replace(&mut self.started, true) {
                bindings::dma_resv_iter_next(&mut self.cursor)
            } else {
                bindings::dma_resv_iter_first(&mut self.cursor)
            };
            NonNull::new(fence).map(|fence| Fence::from_raw(fence.as_ptr()))
        }
    }
}
