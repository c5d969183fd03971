// SPDX-License-Identifier: GPL-2.0

//! What all fences of Rust drivers have.

use super::{
    inside::Inside,
    leaf::LeafFence,
    names::{
        Both,
        Names, //
    },
};
use crate::{
    bindings,
    dma_buf::any_thread::AnyThread,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Atomic, //
    },
    types::Opaque,
};
use core::ops::Deref;

/// What does not depend on the driver.
///
/// # Invariants
///
/// From when the fence is initialised until a grace period after it is signalled, `names` are
/// there.
#[repr(C)]
pub(super) struct Head {
    // First, because the core frees the allocation by the address of the fence.
    fence: Opaque<bindings::dma_fence>,
    names: AnyThread<Both>,
    pub(super) inside: Inside,
    /// Whether the owner has taken back what is its own. Changed with the fence's lock held.
    pub(super) closed: Atomic<bool>,
}

// SAFETY: Any thread may initialise a fence, which does its own locking from then on.
unsafe impl Send for Head {}

// SAFETY: As above.
unsafe impl Sync for Head {}

impl Head {
    /// The fence is to be initialised, where it keeps what `names` are part of.
    #[inline]
    pub(super) fn new(names: &Names) -> Self {
        Self {
            fence: Opaque::uninit(),
            names: names.as_ptr(),
            inside: Inside::new(),
            closed: Atomic::new(false),
        }
    }

    /// # Safety
    ///
    /// Called by the core, with a fence that is the beginning of a `Head`, in an RCU read-side
    /// critical section in which it was seen not to be signalled.
    pub(super) unsafe extern "C" fn driver_name(fence: *mut bindings::dma_fence) -> *const c_char {
        // SAFETY: By the type invariant.
        unsafe {
            (*(*fence.cast::<Self>()).names.as_ptr())
                .driver
                .as_char_ptr()
        }
    }

    /// # Safety
    ///
    /// As for [`driver_name`](Self::driver_name).
    pub(super) unsafe extern "C" fn timeline_name(
        fence: *mut bindings::dma_fence,
    ) -> *const c_char {
        // SAFETY: By the type invariant.
        unsafe {
            (*(*fence.cast::<Self>()).names.as_ptr())
                .timeline
                .as_char_ptr()
        }
    }
}

/// A reference to the fence of a Rust driver. Derefs to [`LeafFence`].
///
/// # Invariants
///
/// The fence is the beginning of a [`Head`], which lives as long.
#[derive(Clone)]
pub(super) struct Issued(pub(super) ARef<LeafFence>);

impl Issued {
    #[inline]
    pub(super) fn head(&self) -> &Head {
        // SAFETY: By the type invariant.
        unsafe { &*self.as_raw().cast() }
    }
}

impl Deref for Issued {
    type Target = LeafFence;

    #[inline]
    fn deref(&self) -> &LeafFence {
        &self.0
    }
}
