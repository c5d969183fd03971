// SPDX-License-Identifier: GPL-2.0

//! Fences, as those see them who wait for them.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use crate::{
    bindings,
    prelude::*,
    processor::cpu_relax,
    seq_file::SeqFile,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Acquire,
            Atomic,
            Relaxed, //
        },
        rcu, //
    },
    time::{
        Instant,
        Monotonic, //
    },
    types::Opaque,
};
use core::ptr::{
    self,
    NonNull, //
};

mod array;
mod callback;
mod chain;
mod context;
mod deferred;
mod driver;
mod inside;
mod leaf;
mod memory;
mod ops;
mod section;
mod timeline;
mod unwrap;
mod wait;

pub(super) use self::wait::timeout_as_raw;
pub use self::{
    array::FenceArray,
    callback::{
        CallbackRegistration,
        FenceCallback, //
    },
    chain::{
        ChainLink,
        ChainMember,
        ChainWalk,
        FenceChain, //
    },
    context::{
        FenceAllocation,
        FenceContext, //
    },
    driver::DriverFence,
    leaf::LeafFence,
    ops::FenceOps,
    section::SignallingSection,
    unwrap::Unwrap,
    wait::{
        WaitAnyResult,
        WaitResult, //
    },
};

/// The promise that some work will be done.
///
/// Wraps the C `struct dma_fence`. Whoever holds a `Fence` can wait for it and look at it, but not
/// signal it: that is for the owner of the [`DriverFence`].
///
/// Unless a method says otherwise it may be called in any context, but not where the lock of this
/// fence is held, which is: in the operations of its [`DriverFence`] ([`FenceOps`]) and in its
/// callbacks ([`FenceCallback`]).
///
/// # Invariants
///
/// The wrapped fence is initialised and its reference count is not zero.
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

/// How far a [`Fence`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FenceStatus {
    /// The work is not done yet.
    Pending,
    /// The work is done, or has failed with this error.
    Signaled(Result),
}

/// The flag bits of `struct dma_fence` that matter here, as masks.
mod flag {
    use crate::bindings;

    pub(super) const SIGNALED: usize =
        1 << bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SIGNALED_BIT;
    pub(super) const TIMESTAMP: usize =
        1 << bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_TIMESTAMP_BIT;
    pub(super) const SEQNO64: usize = 1 << bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SEQNO64_BIT;
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

    /// A fence that was signalled when the kernel started.
    #[inline]
    pub fn stub() -> ARef<Self> {
        // SAFETY: May be called at any time; gives a reference to a fence that lives for ever.
        unsafe { ARef::from_raw(NonNull::new_unchecked(bindings::dma_fence_get_stub()).cast()) }
    }

    /// A new fence that was signalled at `timestamp`.
    ///
    /// Fails with `ENOMEM`. May sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::Fence, time::{Instant, Monotonic}};
    ///
    /// let done_at = Instant::<Monotonic>::now();
    /// let fence = Fence::private_stub(done_at)?;
    ///
    /// assert!(fence.is_signaled());
    /// assert!(fence.timestamp().is_some_and(|at| (at - done_at).is_zero()));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn private_stub(timestamp: Instant<Monotonic>) -> Result<ARef<Self>> {
        // SAFETY: Gives a reference for us, or NULL.
        unsafe {
            Self::from_owned(bindings::dma_fence_allocate_private_stub(
                timestamp.as_nanos(),
            ))
        }
        .ok_or(ENOMEM)
    }

    /// The sequence of fences that this one is part of. Numbers are not used twice.
    #[inline]
    pub fn context(&self) -> u64 {
        // SAFETY: Constant after initialisation.
        unsafe { (*self.as_raw()).context }
    }

    /// The place of this fence in its context.
    #[inline]
    pub fn seqno(&self) -> u64 {
        // SAFETY: Constant after initialisation.
        unsafe { (*self.as_raw()).seqno }
    }

    /// Whether `self` comes after `other`; `None` if they have different contexts.
    ///
    /// Sequence numbers of fences that know only 32 bits may wrap around.
    #[inline]
    pub fn is_later_than(&self, other: &Self) -> Option<bool> {
        if self.context() != other.context() {
            return None;
        }
        let (ours, theirs) = (self.seqno(), other.seqno());

        Some(if self.has_flag(flag::SEQNO64) {
            ours > theirs
        } else {
            (ours as u32).wrapping_sub(theirs as u32) as i32 > 0
        })
    }

    /// Whether the flag `mask` is set. What was written before it was set is visible afterwards.
    #[inline]
    fn has_flag(&self, mask: usize) -> bool {
        // SAFETY: The flags are accessed atomically only.
        let flags = unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).flags) };

        flags.load(Acquire) & mask != 0
    }

    /// The operations; NULL once a signalled fence has no more use for them.
    #[inline]
    fn ops(&self) -> *const bindings::dma_fence_ops {
        // SAFETY: After initialisation the pointer is accessed atomically only.
        let ops = unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).ops) };

        // An address dependency orders the accesses through the pointer.
        ops.load(Relaxed)
    }

    /// Whether the fence has been marked as signalled. Does not ask the one who issued it, so it
    /// may be called with the fence's lock held.
    #[inline]
    pub(super) fn is_marked_signaled(&self) -> bool {
        self.has_flag(flag::SIGNALED)
    }

    /// Whether the work is done.
    ///
    /// May be `false` for ever if nothing has asked for the fence to be signalled, which is what
    /// [`enable_signaling`](Self::enable_signaling), the waiting methods and callbacks do.
    ///
    /// This one may also be called where the fence's lock is held, if the fence is signalled.
    #[inline]
    pub fn is_signaled(&self) -> bool {
        if self.is_marked_signaled() {
            return true;
        }

        let guard = rcu::read_lock();
        // SAFETY: Operations stay until a grace period after they were detached.
        let signaled = unsafe { self.ops().as_ref() }.and_then(|ops| ops.signaled);
        // SAFETY: The fence is valid, and its operations belong to it.
        let done = signaled.is_some_and(|signaled| unsafe { signaled(self.as_raw()) });
        drop(guard);

        if done {
            // SAFETY: The fence is valid, and the one who issued it says that it is done.
            unsafe { bindings::dma_fence_signal(self.as_raw()) };
        }
        done
    }

    /// Whether the work is done, and with which result. See [`is_signaled`](Self::is_signaled).
    ///
    /// This one may also be called in the fence's callbacks.
    #[inline]
    pub fn status(&self) -> FenceStatus {
        if !self.is_signaled() {
            return FenceStatus::Pending;
        }
        // SAFETY: The error is constant once the fence is signalled.
        let error = unsafe { (*self.as_raw()).error };

        FenceStatus::Signaled(if error < 0 {
            Err(Error::from_errno(error))
        } else {
            Ok(())
        })
    }

    /// When the fence was signalled; `None` if it was not yet.
    ///
    /// This one may also be called in the fence's callbacks.
    #[inline]
    pub fn timestamp(&self) -> Option<Instant<Monotonic>> {
        if !self.is_marked_signaled() {
            return None;
        }
        // The flags are set one after the other, with interrupts off.
        while !self.has_flag(flag::TIMESTAMP) {
            cpu_relax();
        }

        // SAFETY: The flag says that the union holds a timestamp, which is constant from then on.
        let timestamp = unsafe { (*self.as_raw()).__bindgen_anon_2.timestamp };
        // SAFETY: It is not negative.
        Some(unsafe { Instant::from_ktime(timestamp.max(0)) })
    }

    /// Asks for the fence to be signalled when the work is done, even if nobody waits for it.
    #[inline]
    pub fn enable_signaling(&self) {
        // SAFETY: The fence is valid.
        unsafe { bindings::dma_fence_enable_signaling(self.as_raw()) };
    }

    /// Hints that somebody would like the fence to be signalled by `deadline`.
    #[inline]
    pub fn set_deadline(&self, deadline: Instant<Monotonic>) {
        // SAFETY: The fence is valid.
        unsafe { bindings::dma_fence_set_deadline(self.as_raw(), deadline.as_nanos()) };
    }

    /// Writes one line about the fence.
    #[inline]
    pub fn describe(&self, m: &SeqFile) {
        // SAFETY: Both are valid, and `SeqFile` is transparent.
        unsafe { bindings::dma_fence_describe(self.as_raw(), as_seq_file(m)) };
    }

    /// The name of the driver that issued the fence; a placeholder once it is signalled.
    ///
    /// The name may go with the driver a grace period after the fence was signalled.
    #[inline]
    pub fn driver_name<'rcu>(&self, _guard: &'rcu rcu::Guard) -> &'rcu CStr {
        // SAFETY: The fence is valid. The string is there until the read-side critical section,
        // which the guard stands for, ends.
        unsafe { CStr::from_char_ptr(bindings::dma_fence_driver_name(self.as_raw())) }
    }

    /// The name of the fence's context. See [`driver_name`](Self::driver_name).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::Fence, sync::rcu};
    ///
    /// let fence = Fence::stub();
    /// let guard = rcu::read_lock();
    ///
    /// pr_info!("{:?} {:?}\n", fence.driver_name(&guard), fence.timeline_name(&guard));
    /// ```
    #[inline]
    pub fn timeline_name<'rcu>(&self, _guard: &'rcu rcu::Guard) -> &'rcu CStr {
        // SAFETY: As for the driver's name.
        unsafe { CStr::from_char_ptr(bindings::dma_fence_timeline_name(self.as_raw())) }
    }

    /// Whether this is a [`FenceArray`].
    #[inline]
    pub fn is_array(&self) -> bool {
        ptr::eq(self.ops(), &raw const bindings::dma_fence_array_ops)
    }

    /// Whether this is a [`FenceChain`].
    #[inline]
    pub fn is_chain(&self) -> bool {
        ptr::eq(self.ops(), &raw const bindings::dma_fence_chain_ops)
    }

    /// Whether the fence stands for other fences. See [`unwrap`](Self::unwrap).
    #[inline]
    pub fn is_container(&self) -> bool {
        self.is_array() || self.is_chain()
    }
}

/// The C `struct seq_file`.
#[inline]
pub(super) fn as_seq_file(m: &SeqFile) -> *mut bindings::seq_file {
    // CAST: `SeqFile` is transparent, and its content may be changed through a shared reference.
    ptr::from_ref(m).cast_mut().cast()
}
