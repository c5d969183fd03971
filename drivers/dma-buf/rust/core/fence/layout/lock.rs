// SPDX-License-Identifier: GPL-2.0

//! The lock of a fence, and what belongs to it: until the signal, the list of callbacks.

use super::fence::{
    fields,
    make_empty,
    set,
    test_and_set,
    Time, //
};
use crate::fence::{
    flag::Flag,
    state::has, //
};
use core::{
    marker::PhantomData,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr, //
};
use kernel::{
    bindings::{
        self,
        dma_fence,
        dma_fence_cb, //
    },
    container_of,
    dma_buf::Fence,
    interop::export::{
        FromC,
        Wrapper, //
    },
    sync::{
        atomic::Relaxed,
        barrier, //
    }, //
};

/// A fence whose lock is held, with interrupts disabled.
///
/// # Invariants
///
/// The lock is held for as long as this exists.
pub(crate) struct Locked<'a>(&'a Fence);

/// A fence whose lock is held.
impl FromC for Locked<'_> {
    type C = *mut dma_fence;

    #[inline(always)]
    unsafe fn from_c(value: *mut dma_fence) -> Self {
        // INVARIANT: By the contract above.
        // SAFETY: By the contract above. What is held is only looked at.
        unsafe {
            if cfg!(CONFIG_LOCKDEP) {
                bindings::dma_fence_assert_held(value);
            }
            Self(FromC::from_c(value))
        }
    }
}

impl<'a> Locked<'a> {
    #[inline(always)]
    pub(crate) fn fence(&self) -> &'a Fence {
        self.0
    }

    /// The lock, for as long as this is not used otherwise. By itself it is passed in a register.
    #[inline(always)]
    pub(crate) fn reborrow(&mut self) -> Locked<'_> {
        // INVARIANT: The lock is held for as long as `self` exists.
        Locked(self.0)
    }

    /// To have callbacks, if the fence is not signalled.
    #[inline(always)]
    pub(crate) fn pending(&mut self) -> Option<Pending<'_>> {
        // MODEL: fence-callback
        // INVARIANT: Just looked at.
        (!has(self.0, Flag::Signaled)).then_some(Pending(self.0, PhantomData))
    }

    /// Takes off a callback. Returns `false` if it was not on the list.
    #[inline(always)]
    pub(crate) fn take_off(&mut self, callback: &Lent) -> bool {
        // MODEL: fence-taken-off
        // SAFETY: By its invariant the node is initialised, and is nowhere else than on the list,
        // which is ours under the lock.
        unsafe {
            let node = &raw mut (*callback.0).node;
            let is_pending = !ptr::eq((*node).next, node);

            if is_pending {
                bindings::list_del_init(node);
            }
            is_pending
        }
    }

    /// Marks the fence as signalled, for the caller to go on with. `None` if it was already.
    #[inline(always)]
    pub(crate) fn mark_signaled(&mut self) -> Option<Unfinished<'_, 'a>> {
        // INVARIANT: Just set.
        (!test_and_set(self.0, Flag::Signaled)).then_some(Unfinished(self))
    }
}

/// A fence that may get callbacks.
///
/// # Invariants
///
/// The lock is held, and the fence is not signalled.
pub(crate) struct Pending<'a>(pub(crate) &'a Fence, pub(crate) PhantomData<&'a mut Fence>);

impl Pending<'_> {
    /// Has `func` called with `callback` when the fence is signalled, after all others or before
    /// them.
    #[inline(always)]
    pub(crate) fn add(self, callback: &Lent, func: Func, order: Order) {
        // SAFETY: The callback is ours to write to, and so is the list under the lock.
        unsafe {
            let node = &raw mut (*callback.0).node;

            (*callback.0).func = Some(func);
            match order {
                Order::Last => bindings::list_add_tail(node, fields(self.0).callbacks()),
                Order::First => bindings::list_add(node, fields(self.0).callbacks()),
            }
        }
    }
}

/// Where a callback is put.
pub(crate) enum Order {
    Last,
    First,
}

/// What is called with a callback.
pub(crate) type Func = unsafe extern "C" fn(*mut dma_fence, *mut dma_fence_cb);

/// A callback that its owner has lent to a fence.
///
/// # Invariants
///
/// The callback is valid, and nobody else uses it, until it has run or has been taken off. It is
/// used with one fence only. If it has been given to it, its node is initialised.
pub(crate) struct Lent(pub(super) *mut dma_fence_cb);

impl Lent {
    /// Says that there is nothing to take off.
    #[inline(always)]
    pub(crate) fn refuse(&self) {
        // SAFETY: By the type invariant.
        unsafe { make_empty(&raw mut (*self.0).node) };
    }
}

/// A callback as above.
impl FromC for Lent {
    type C = *mut dma_fence_cb;

    #[inline(always)]
    unsafe fn from_c(value: *mut dma_fence_cb) -> Self {
        // INVARIANT: By the contract above.
        Self(value)
    }
}

/// A fence whose signal has begun.
///
/// # Invariants
///
/// It has just been marked as signalled, under the lock, and nothing else of it has changed.
pub(crate) struct Unfinished<'a, 'f>(&'a mut Locked<'f>);

impl<'f> Unfinished<'_, 'f> {
    #[inline(always)]
    pub(crate) fn fence(&self) -> &'f Fence {
        self.0 .0
    }

    /// Detaches it from its issuer, unless that stays.
    #[inline(always)]
    pub(crate) fn detach(&mut self) {
        let ops = &fields(self.fence()).ops;
        // SAFETY: A fence that is not signalled has its operations.
        // MODEL: none, because the lock is held.
        let table = unsafe { &*ops.load(Relaxed) };

        if table.release.is_none() && table.wait.is_none() {
            // MODEL: fence-ops
            ops.store(ptr::null(), Relaxed);
        }
    }

    /// Runs the callbacks. `timestamp` takes their place.
    #[inline(always)]
    pub(crate) fn finish(self, timestamp: Time) {
        let fence = self.fence();
        let callbacks = fields(fence).callbacks();

        // SAFETY: The list is ours under the lock.
        // MODEL: fence-taken-off
        let mut next = unsafe { (*callbacks).next };

        // From here on the head is but an address, where the list ends.
        // SAFETY: As above, and nobody adds to the list of a fence that is signalled, or takes off
        // its last.
        unsafe { callbacks.cast::<Time>().write(timestamp) };

        // Pairs with the acquire in `timestamp()`.
        // MODEL: fence-timestamp
        barrier::smp_mb(barrier::Write);
        set(fence, Flag::Timestamp);

        while !ptr::eq(next, callbacks) {
            let node = next;

            // SAFETY: The callback is valid until it is called, and nobody takes it off: that would
            // need the lock. It wants to be called with its fence.
            unsafe {
                let callback = container_of!(node, dma_fence_cb, node);

                // MODEL: fence-taken-off
                next = (*node).next;
                make_empty(node);
                if let Some(func) = (*callback).func {
                    func(fence.as_c(), callback);
                }
            }
        }
    }
}

/// Holds the lock of a fence; unlocks it when dropped.
///
/// # Invariants
///
/// The lock was taken by this guard, which knows the interrupt state to go back to.
pub(crate) struct Guard<'a> {
    locked: Locked<'a>,
    irq_flags: usize,
}

impl<'a> Deref for Guard<'a> {
    type Target = Locked<'a>;

    #[inline(always)]
    fn deref(&self) -> &Locked<'a> {
        &self.locked
    }
}

impl<'a> DerefMut for Guard<'a> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Locked<'a> {
        &mut self.locked
    }
}

impl Drop for Guard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::dma_fence_unlock_irqrestore(self.locked.0.as_c(), self.irq_flags) };
    }
}

/// Locks `fence`. Any context.
#[inline(always)]
pub(crate) fn lock(fence: &Fence) -> Guard<'_> {
    // SAFETY: The fence is valid, and its lock is there: as long as the fence, or, if it is the
    // issuer's, by the contract of C until a grace period after the signal.
    let irq_flags = unsafe { bindings::dma_fence_lock_irqsave(fence.as_c()) };

    // INVARIANT: Locked just above.
    Guard {
        locked: Locked(fence),
        irq_flags,
    }
}
