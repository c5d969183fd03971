// SPDX-License-Identifier: GPL-2.0

//! A field for a reference that is replaced while others look at it within RCU.

use super::{
    layout::{
        dying::Dying,
        fence::get_unless_zero, //
    },
    wanted::Wanted, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings::dma_fence,
    dma_buf::Fence,
    interop::export::{
        IntoC,
        Wrapper, //
    },
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        rcu, //
    }, //
};

/// Drops a reference, where that is rare: it takes some room.
#[cold]
#[inline(never)]
pub(crate) fn put(fence: ARef<Fence>) {
    drop(fence);
}

/// Drops a reference, if there is one, in place: where that is often.
#[inline(always)]
pub(crate) fn put_here(fence: Option<ARef<Fence>>) {
    if !cfg!(CONFIG_RUST_INLINE_HELPERS) {
        // One call.
        drop(fence);
    } else if let Some(dying) = fence.and_then(Dying::put) {
        dying.release();
    }
}

/// A reference to a fence, or none, that may be replaced.
///
/// # Invariants
///
/// The pointer is NULL or owns a reference.
#[repr(transparent)]
pub(crate) struct Replaceable(Atomic<*mut dma_fence>);

impl Replaceable {
    pub(crate) fn new(fence: Option<ARef<Fence>>) -> Self {
        // INVARIANT: The reference goes over.
        Self(Atomic::new(fence.into_c()))
    }

    /// What it is now.
    #[inline(always)]
    pub(crate) fn load(&self, rcu: &rcu::Guard) -> Option<ARef<Fence>> {
        loop {
            // Its address orders what is read of the fence.
            // MODEL: chain-depth, chain-load, chain-second-look
            let ptr = NonNull::new(self.0.load(Relaxed))?;

            // SAFETY: There was a reference to it, at a time when RCU was held.
            if let Ok(fence) = unsafe { get_unless_zero(ptr, Wanted::Any, rcu) } {
                // It may have been replaced, and its memory be another fence by now.
                // MODEL: chain-second-look
                if ptr::eq(self.0.load(Relaxed), ptr.as_ptr()) {
                    return Some(fence);
                }
                put(fence);
            }
        }
    }

    /// Puts `replacement` in the place of `old`, unless that has been replaced.
    #[inline]
    pub(crate) fn replace(&self, old: &Fence, replacement: Option<ARef<Fence>>) {
        let new = replacement.into_c();

        // INVARIANT: Of the two references, this has one now, and the other one is ours.
        // MODEL: chain-cut, chain-depth, chain-load, chain-release
        drop(Self(Atomic::new(
            match self.0.cmpxchg(old.as_c(), new, Full) {
                Ok(old) => old,
                Err(_) => new,
            },
        )));
    }

    /// Takes the reference out.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<ARef<Fence>> {
        let place = self.0.get_mut();
        let fence = *place;

        *place = core::ptr::null_mut();

        // SAFETY: By the type invariant.
        unsafe { Fence::from_owned(fence) }
    }
}

impl Drop for Replaceable {
    #[inline]
    fn drop(&mut self) {
        self.take();
    }
}
