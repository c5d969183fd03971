// SPDX-License-Identifier: GPL-2.0

//! The C structure.

use crate::{
    bindings,
    interop::object::Object,
    prelude::*, //
};

/// The lock and the fences of a buffer.
///
/// Wraps the C `struct dma_resv`. The methods here need no lock; what needs it is in
/// [`ResvGuard`](super::ResvGuard). Where fences are looked at without the lock, others may be
/// added or replaced meanwhile; those that were there all the time are seen.
///
/// To lock several objects see [`AcquireCtx`](super::AcquireCtx). While one is held, code that
/// signals fences must not be waited for through another lock, and no fence can be waited for that
/// needs this object to be signalled.
///
/// # Invariants
///
/// The wrapped object is initialised.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Fence, Resv, Usage};
///
/// let resv = KBox::pin_init(Resv::new(), GFP_KERNEL)?;
/// let fence = Fence::private_stub(kernel::time::Instant::now())?;
///
/// let mut guard = resv.lock();
/// // This may fail...
/// let mut slots = guard.reserve_fences(1)?;
/// // ... and this may not.
/// if let Some(slot) = slots.take() {
///     slot.add(fence.as_leaf().ok_or(EINVAL)?, Usage::Write);
/// }
/// assert_eq!(guard.fences(Usage::Write).count(), 1);
/// assert_eq!(guard.fences(Usage::Kernel).count(), 0);
/// drop(guard);
///
/// // The fence is signalled.
/// assert!(resv.test_signaled(Usage::Bookkeep));
/// assert!(resv.get_fences(Usage::Bookkeep)?.is_empty());
/// # Ok::<(), Error>(())
/// ```
#[repr(transparent)]
pub struct Resv(Object<bindings::dma_resv>);

impl Resv {
    /// A new object, without fences.
    #[inline]
    pub fn new() -> impl PinInit<Self> {
        Self::empty()
    }

    #[inline]
    pub(super) fn empty<E>() -> impl PinInit<Self, E> {
        // SAFETY: `Resv` is transparent, and the call initialises it.
        unsafe {
            pin_init::pin_init_from_closure(|slot: *mut Self| {
                bindings::dma_resv_init(slot.cast());
                Ok::<(), E>(())
            })
        }
    }

    /// Borrows a reservation object from a C pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to an initialised `struct dma_resv` that lives for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::dma_resv) -> &'a Self {
        // SAFETY: The object is there for `'a`, and `Resv` is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The C `struct dma_resv`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::dma_resv {
        self.0.get()
    }
}

impl Drop for Resv {
    // An object that belongs to C is only ever borrowed.
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant, and nobody else can have a reference to it any more.
        unsafe { bindings::dma_resv_fini(self.as_raw()) };
    }
}
