// SPDX-License-Identifier: GPL-2.0

//! Fences whose last reference is gone.

use super::fence::fields;
use crate::fence::{
    flag::Flag,
    state::has, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    bindings::{
        self,
        dma_fence, //
    },
    dma_buf::Fence,
    interop::export::{
        AsC,
        Wrapper, //
    },
    sync::aref::ARef, //
};

/// A fence, or what begins with one, whose last reference is gone. Nobody finds it any more but
/// readers within RCU, who cannot get a reference.
///
/// # Invariants
///
/// This was the last reference, but the count is zero, so that it owns the memory. The fence is the
/// base of a `T`.
#[repr(transparent)]
pub(crate) struct Dying<T = Fence>(
    pub(super) ManuallyDrop<ARef<Fence>>,
    pub(super) PhantomData<T>,
);

/// A fence, the base of a `T`, whose last reference is gone.
// SAFETY: Transparent, and the pointer is all there is in a reference: the one that was the last.
unsafe impl<T> AsC for Dying<T> {
    type C = *mut dma_fence;
}

impl Dying {
    /// Drops a reference; the fence itself if that was the last one.
    #[inline(always)]
    pub(crate) fn put(fence: ARef<Fence>) -> Option<Self> {
        let fence = ManuallyDrop::new(fence);

        // INVARIANT: The count has just become zero, and nobody else has seen that.
        // MODEL: fence-last-put, fence-revived, chain-release
        fields(&fence)
            .refcount
            .dec_and_test()
            .then_some(Self(fence, PhantomData))
    }
}

impl<T> Dying<T> {
    /// Something without a reference, to be looked at, but for operations that ask for one.
    #[inline(always)]
    pub(crate) fn fence(&self) -> &Fence {
        &self.0
    }

    /// Whether somebody still waits for it.
    pub(crate) fn is_waited_for(&self) -> bool {
        // MODEL: none, because this owns the fence.
        if has(self.fence(), Flag::Signaled) {
            return false;
        }
        let callbacks = fields(self.fence()).callbacks();

        // SAFETY: This owns the fence, which is not signalled, so that its callbacks are there.
        // MODEL: none, because it is as above.
        unsafe { !ptr::eq((*callbacks).next, callbacks) }
    }

    /// Calls `f` while there is a reference again. `None` if somebody has got another one.
    pub(crate) fn revived(self, f: impl FnOnce(&Fence)) -> Option<Self> {
        // MODEL: fence-revived
        fields(&self.0).refcount.set(1);
        f(&self.0);
        // INVARIANT: It is what it was.
        Dying::put(ManuallyDrop::into_inner(self.0)).map(|dying| Self(dying.0, PhantomData))
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariant this owns it.
        unsafe { &mut *self.0.as_c().cast() }
    }

    /// Drops what is in it, and frees the memory after an RCU grace period.
    #[inline(always)]
    pub(crate) fn free(self) {
        let memory = self.0.as_c();

        // SAFETY: By the type invariant this owns it all. The memory comes from `kmalloc()`, as
        // that of all fences without an operation that frees it, and nobody needs the time of the
        // signal any more. The head has the layout that `kfree_rcu()` gives it.
        unsafe {
            ptr::drop_in_place(memory.cast::<T>());
            // MODEL: fence-free, chain-load
            bindings::kvfree_call_rcu(
                (&raw mut (*memory).__bindgen_anon_2.rcu).cast(),
                memory.cast(),
            );
        }
    }
}
