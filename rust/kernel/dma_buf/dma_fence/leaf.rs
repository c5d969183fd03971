// SPDX-License-Identifier: GPL-2.0

//! Fences that stand for themselves.

use super::{
    declare::as_c,
    raw::Fence, //
};
use crate::{
    bindings,
    sync::aref::AlwaysRefCounted, //
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// A fence that is no [container](Fence::is_container): what a reservation object takes.
///
/// What user space hands in may be a container. [`Fence::unwrap`] takes it apart, and
/// [`Fence::as_leaf`] says what each part is. Derefs to [`Fence`].
///
/// # Invariants
///
/// The fence is no container.
///
/// # Examples
///
/// ```
/// use kernel::{dma_buf::{Fence, ResvGuard, Usage}, prelude::*};
///
/// /// Makes later users of the buffer wait for `fence`, whatever it is made of.
/// fn wait_for(guard: &mut ResvGuard<'_>, fence: &Fence) -> Result {
///     let mut slots = guard.reserve_fences(fence.unwrap().count().try_into()?)?;
///
///     // A chain may have lost links meanwhile, but has not grown.
///     for each in fence.unwrap() {
///         slots.add(each.as_leaf().ok_or(EINVAL)?, Usage::Write);
///     }
///     Ok(())
/// }
/// ```
#[repr(transparent)]
pub struct LeafFence(Fence);

// SAFETY: As for `Fence`, which it is.
unsafe impl AlwaysRefCounted for LeafFence {
    #[inline]
    fn inc_ref(&self) {
        self.0.inc_ref();
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the caller's guarantee; `LeafFence` is transparent.
        unsafe { Fence::dec_ref(obj.cast()) };
    }
}

as_c! {
    LeafFence => bindings::dma_fence,
}

impl Deref for LeafFence {
    type Target = Fence;

    #[inline]
    fn deref(&self) -> &Fence {
        &self.0
    }
}

impl Fence {
    /// This fence as what a reservation object takes; `None` if it is a container.
    #[inline]
    pub fn as_leaf(&self) -> Option<&LeafFence> {
        // INVARIANT: Just checked. A fence does not become a container.
        //
        // SAFETY: `LeafFence` is transparent.
        (!self.is_container()).then(|| unsafe { NonNull::from(self).cast().as_ref() })
    }
}
