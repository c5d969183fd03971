// SPDX-License-Identifier: GPL-2.0

//! The end of a fence.

use super::{
    chain,
    lock,
    names,
    trace,
    Flag, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    bindings::dma_fence,
    dma_buf::Fence,
    prelude::*,
    sync::rcu, //
};

/// A fence whose last reference is gone. Nobody finds it any more but readers within RCU, who
/// cannot get a reference.
///
/// # Invariants
///
/// The fence is initialised, its reference count is zero, and this owns its memory.
pub(super) struct Dying(NonNull<dma_fence>);

impl Dying {
    /// Drops a reference; the fence itself if that was the last one.
    ///
    /// # Safety
    ///
    /// The caller must own a reference, which it gives up.
    pub(super) unsafe fn put(fence: NonNull<dma_fence>) -> Option<Self> {
        let refcount = {
            // SAFETY: Only an address is computed.
            unsafe { &raw mut (*fence.as_ptr()).refcount.refcount }
        };

        // SAFETY: The fence is alive by the caller's guarantee.
        let last = unsafe { bindings::refcount_dec_and_test(refcount) };
        // INVARIANT: The count has just become zero, and nobody else has seen that.
        last.then_some(Self(fence))
    }

    /// # Safety
    ///
    /// The reference count of `fence` must be zero, and the caller must own its memory.
    pub(super) unsafe fn from_raw(fence: NonNull<dma_fence>) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self(fence)
    }

    pub(super) fn as_raw(&self) -> *mut dma_fence {
        self.0.as_ptr()
    }

    /// The issuer's operations; `None` if the fence has been detached from them.
    pub(super) fn ops<'a>(&self, _rcu: &'a rcu::Guard) -> Option<&'a bindings::dma_fence_ops> {
        // SAFETY: Nobody changes the operations of a fence without references, and RCU keeps the
        // table.
        unsafe { (*self.as_raw()).ops.as_ref() }
    }

    /// What comes first for every fence. `None` if somebody has got hold of it again.
    pub(super) fn begin(self, rcu: &rcu::Guard) -> Option<Self> {
        // SAFETY: By the type invariant.
        unsafe { trace::destroy(self.as_raw(), rcu) };

        if self.is_waited_for() {
            return self.signal_at_last(rcu);
        }
        Some(self)
    }

    fn is_waited_for(&self) -> bool {
        let raw = self.as_raw();

        // SAFETY: This owns the fence. If it is not signalled, its callbacks are there.
        unsafe {
            if (*raw).flags & Flag::Signaled.bit() != 0 {
                return false;
            }
            let callbacks = &raw mut (*raw).__bindgen_anon_2.cb_list;
            (*callbacks).next != callbacks
        }
    }

    /// The issuer has forgotten to signal the fence, which its reference should have prevented. Do
    /// not leave those in the lurch who wait for it.
    #[cold]
    fn signal_at_last(self, rcu: &rcu::Guard) -> Option<Self> {
        let raw = self.as_raw();

        // The callbacks may take references as usual, so that there has to be one.
        // SAFETY: This owns the fence.
        let fence = unsafe {
            bindings::refcount_set(&raw mut (*raw).refcount.refcount, 1);
            Fence::from_raw(raw)
        };

        // One report with the text in it, for those who look through logs.
        //
        // SAFETY: The names are strings as long as RCU is held.
        unsafe {
            bindings::warn_fence_released(
                names::driver(fence, rcu).as_c_str().as_char_ptr(),
                names::timeline(fence, rcu).as_c_str().as_char_ptr(),
                fence.context(),
                fence.seqno(),
            )
        };

        {
            let guard = lock(fence);

            // SAFETY: The fence is not signalled, and its issuer has no reference any more.
            unsafe { (*raw).error = EDEADLK.to_errno() };
            guard.signal();
        }
        // SAFETY: The reference is the one made above.
        unsafe { Self::put(self.0) }
    }

    /// Frees the memory after an RCU grace period.
    pub(super) fn free(self) {
        // SAFETY: This owns the fence, whose memory comes from `kmalloc()`, and whose union may be
        // overwritten now.
        unsafe { free(self.as_raw()) };
    }

    /// Releases the fence. Any context.
    pub(super) fn release(self) {
        let rcu = rcu::read_lock();
        let Some(dying) = self.begin(&rcu) else {
            return;
        };
        let raw = dying.as_raw();
        let ops = dying.ops(&rcu);
        let release = ops.and_then(|ops| ops.release);

        if ops.is_some_and(chain::is_ours) {
            // These stay, and there may be more links than should delay a grace period.
            rcu.unlock();
        }

        match release {
            // SAFETY: The operation is the fence's own and takes over the memory.
            Some(release) => unsafe { release(raw) },
            None => dying.free(),
        }
    }
}

/// Frees the memory of a fence after an RCU grace period. Any context.
///
/// # Safety
///
/// The caller must own the memory, which must come from `kmalloc()`.
pub(super) unsafe fn free(fence: *mut dma_fence) {
    // SAFETY: By the caller's guarantee. The head has the layout that `kfree_rcu()` gives it.
    unsafe {
        bindings::kvfree_call_rcu(
            (&raw mut (*fence).__bindgen_anon_2.rcu).cast(),
            fence.cast(),
        )
    };
}
