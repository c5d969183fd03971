// SPDX-License-Identifier: GPL-2.0

//! The C structure: what of it may be used, and how references to it come from C and go there.

use crate::{
    bindings,
    interop::object::Object,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Acquire,
            Atomic, //
        },
        Refcount, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};
use core::ptr::NonNull;

/// The promise that some work will be done.
///
/// Wraps the C `struct dma_fence`. Whoever holds a `Fence` can wait for it and look at it, but not
/// signal it: that is for the owner of the [`DriverFence`](super::DriverFence).
///
/// Unless a method says otherwise it may be called in any context, but not where the lock of a
/// fence is held, of this one or, since all are of one class, of another. It is held in the
/// operations of a `DriverFence` ([`FenceContextOps`](super::FenceContextOps)) and in callbacks
/// ([`FenceCallback`](super::FenceCallback)).
///
/// # Invariants
///
/// The wrapped fence is initialised and its reference count is not zero. From then on its
/// operations, flags and count are accessed atomically only, and its context and number stay.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Fence, FenceStatus};
///
/// let fence = Fence::stub();
///
/// assert!(fence.is_signaled());
/// assert_eq!(fence.status(), FenceStatus::Signaled(Ok(())));
/// assert!(fence.timestamp().is_some());
/// ```
#[repr(transparent)]
pub struct Fence(Object<bindings::dma_fence>);

// SAFETY: `refcount` counts the references, and the fence lives while it is not zero.
unsafe impl AlwaysRefCounted for Fence {
    #[inline]
    fn inc_ref(&self) {
        self.fields().refs.inc();
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        let fence: *mut bindings::dma_fence = obj.cast().as_ptr();

        // SAFETY: The caller owns a reference and gives it up; if it was the last one, nobody
        // else can reach the fence any more.
        unsafe {
            let kref = &raw mut (*fence).refcount;

            // MODEL: fence-last-put
            if cfg!(CONFIG_RUST_INLINE_HELPERS) {
                if bindings::refcount_dec_and_test(&raw mut (*kref).refcount) {
                    bindings::dma_fence_release(kref);
                }
            } else {
                // The same in one call.
                bindings::kref_put(kref, Some(bindings::dma_fence_release));
            }
        }
    }
}

/// What may be used of a fence at any time.
pub(super) struct Fields<'a> {
    /// NULL once a signalled fence has no more use for them. An address dependency orders the
    /// accesses through the pointer.
    pub(super) ops: &'a Atomic<*const bindings::dma_fence_ops>,
    pub(super) flags: &'a Atomic<usize>,
    pub(super) refs: &'a Refcount,
    pub(super) context: &'a u64,
    pub(super) seqno: &'a u64,
}

/// The flag bits of `struct dma_fence` that matter here, as masks.
pub(super) mod flag {
    use crate::bindings;

    pub(in super::super) const SIGNALED: usize =
        1 << bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SIGNALED_BIT;
    pub(in super::super) const TIMESTAMP: usize =
        1 << bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_TIMESTAMP_BIT;
    pub(in super::super) const SEQNO64: usize =
        1 << bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SEQNO64_BIT;
    pub(in super::super) const INLINE_LOCK: usize =
        1 << bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_INLINE_LOCK_BIT;
}

impl Fence {
    /// Borrows a fence from a C pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a fence whose reference count stays above zero for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::dma_fence) -> &'a Self {
        // SAFETY: The fence is there for `'a`, and `Fence` is transparent.
        unsafe { &*ptr.cast() }
    }

    /// Takes over a reference from C.
    ///
    /// # Safety
    ///
    /// `ptr` must be NULL, or a fence with a reference that the caller gives up.
    #[inline]
    pub unsafe fn from_owned(ptr: *mut bindings::dma_fence) -> Option<ARef<Self>> {
        // INVARIANT: The reference is that of the caller.
        NonNull::new(ptr.cast()).map(|fence| OwnedFence(fence).into())
    }

    /// Gives a reference to C.
    #[inline]
    pub(super) fn into_owned(fence: ARef<Self>) -> *mut bindings::dma_fence {
        ARef::into_raw(fence).cast().as_ptr()
    }

    /// The C `struct dma_fence`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::dma_fence {
        self.0.get()
    }

    #[inline(always)]
    pub(super) fn fields(&self) -> Fields<'_> {
        let fence = self.as_raw();

        // SAFETY: The fence is valid, and by the type invariant its fields are accessed as these
        // types say. An atomic has the layout of what it holds.
        unsafe {
            Fields {
                ops: &*(&raw const (*fence).ops).cast(),
                flags: &*(&raw const (*fence).flags).cast(),
                refs: &*(&raw const (*fence).refcount.refcount).cast(),
                context: &(*fence).context,
                seqno: &(*fence).seqno,
            }
        }
    }

    /// Whether the flag `mask` is set. What was written before it was set is visible afterwards.
    #[inline]
    pub(super) fn has_flag(&self, mask: usize) -> bool {
        // MODEL: fence-done, fence-timestamp, resv-list-changed
        self.fields().flags.load(Acquire) & mask != 0
    }
}

/// A reference to a fence on its way from C or to C, which has NULL for `None`.
///
/// # Invariants
///
/// Points to a fence, with a reference that belongs to this value.
#[repr(transparent)]
pub(in super::super) struct OwnedFence(NonNull<Fence>);

impl From<OwnedFence> for ARef<Fence> {
    #[inline]
    fn from(fence: OwnedFence) -> Self {
        // SAFETY: By the type invariant there is a reference, which is given up here.
        unsafe { ARef::from_raw(fence.0) }
    }
}

impl From<ARef<Fence>> for OwnedFence {
    #[inline]
    fn from(fence: ARef<Fence>) -> Self {
        // INVARIANT: The reference is that of `fence`.
        Self(ARef::into_raw(fence))
    }
}

/// A fence that has been signalled.
///
/// # Invariants
///
/// `DMA_FENCE_FLAG_SIGNALED_BIT` has been seen to be set, or set by ourselves: the error is
/// constant.
pub(super) struct Signaled<'a>(pub(super) &'a Fence);

impl Signaled<'_> {
    #[inline]
    pub(super) fn error(&self) -> c_int {
        // SAFETY: Constant by the type invariant.
        // MODEL: fence-error
        unsafe { (*self.0.as_raw()).error }
    }

    /// When that was; `None` if the one who does it has not yet said so.
    #[inline]
    pub(super) fn timestamp(&self) -> Option<Instant<Monotonic>> {
        if !self.0.has_flag(flag::TIMESTAMP) {
            return None;
        }
        // SAFETY: The flag says that the union holds a timestamp, which is constant from then on.
        // MODEL: fence-timestamp
        let timestamp = unsafe { (*self.0.as_raw()).__bindgen_anon_2.timestamp };

        Some(instant(timestamp))
    }
}

/// A time as C has it.
#[inline]
pub(super) fn instant(time: bindings::ktime_t) -> Instant<Monotonic> {
    // SAFETY: Not negative.
    unsafe { Instant::from_ktime(time.max(0)) }
}
