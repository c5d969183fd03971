// SPDX-License-Identifier: GPL-2.0

//! Containers that wait for all their fences at once, with a callback for each.

use super::{
    callback::{
        Hook,
        OnSignal, //
    },
    container::{
        Container,
        Ref,
        Turn, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    dma_buf::Fence,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Full, //
        }, //
    }, //
};

/// The part of a turn that one of several callbacks has.
///
/// # Invariants
///
/// It counts in [`Shared::pending`]. As long as there is any, there is the reference of all.
pub(crate) struct Share<T>(ManuallyDrop<Ref<T>>);

/// A container with several callbacks.
///
/// # Safety
///
/// `hooks` must point to a hook, which the container has, for each of the fences. `pending` must
/// have counted up as many, before there are any shares, and nothing else must count it down.
pub(crate) unsafe trait Shared: Container {
    /// How many shares there are, as far as none was given back.
    fn pending(&self) -> &Atomic<c_int>;

    /// The fences that it is made of.
    fn fences(&self) -> &[&Fence];

    /// The callbacks.
    fn hooks(&self) -> *const Hook<Share<Self>>;
}

impl<T: Shared> Turn<&T> {
    /// Shares it out among the callbacks for all fences, with one reference to the container for
    /// all of them. `signaled` is told which are signalled already, and says whether to go on, and
    /// so does this.
    #[inline(always)]
    pub(crate) fn share_out(self, mut signaled: impl FnMut(&Fence, Share<T>) -> bool) -> bool
    where
        Share<T>: OnSignal,
    {
        let container = self.0;
        let hooks = container.hooks();
        // Theirs from now on.
        let base = ManuallyDrop::new(Ref::from(container).into_base());

        for (i, fence) in container.fences().iter().enumerate() {
            // INVARIANT: By the contract of `Shared`.
            // SAFETY: The reference is there until the last share is given back, and only that
            // drops it.
            let base = unsafe { ARef::from_raw(NonNull::from(&**base)) };
            let share = Share(ManuallyDrop::new(Ref(base, PhantomData)));

            // SAFETY: By the same contract there is a hook. By the type invariant nobody else uses
            // it, and with the reference it stays.
            if let Err(share) = unsafe { Hook::arm(hooks.add(i), fence, share) } {
                if !signaled(fence, share) {
                    return false;
                }
            }
        }
        true
    }
}

impl<T: Shared> Share<T> {
    #[inline(always)]
    pub(crate) fn container(&self) -> &T {
        &self.0
    }

    /// Gives it back. The last one is the turn, and has the reference.
    #[inline(always)]
    pub(crate) fn give_back(self) -> Option<Turn<Ref<T>>> {
        // MODEL: array-error, array-share, array-signaled, array-turns
        let is_last = self.0.pending().fetch_sub(1, Full) == 1;

        // INVARIANT: All the others have been given back.
        is_last.then(|| Turn(ManuallyDrop::into_inner(self.0)))
    }
}
