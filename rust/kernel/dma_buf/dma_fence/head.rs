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
    callbacks,
    interop::{
        any_thread::AnyThread,
        export::AsC,
        object::Object, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Atomic, //
    }, //
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
    fence: Object<bindings::dma_fence>,
    names: AnyThread<Both>,
    pub(super) inside: Inside,
    /// Whether the owner has taken back what is its own. Changed with the fence's lock held.
    pub(super) closed: Atomic<bool>,
}

impl Head {
    /// The fence is to be initialised, where it keeps what `names` are part of.
    #[inline]
    pub(super) fn new(names: &Names) -> Self {
        Self {
            fence: Object::uninit(),
            names: names.as_ptr(),
            inside: Inside::new(),
            closed: Atomic::new(false),
        }
    }
}

/// A fence that the core asks for a name.
///
/// # Invariants
///
/// In an RCU read-side critical section in which the fence was seen not to be signalled.
#[repr(transparent)]
struct Asked<'a>(&'a Head);

/// A fence that is the beginning of a `Head`, as the invariant says.
// SAFETY: The fence is the first member, and a reference is a pointer.
unsafe impl AsC for Asked<'_> {
    type C = *mut bindings::dma_fence;
}

impl<'a> Asked<'a> {
    #[inline(always)]
    fn names(self) -> &'a Both {
        // SAFETY: They are there, by the type invariants of this and of `Head`.
        unsafe { self.0.names.get().as_ref() }
    }
}

callbacks! {
    fn driver_name(asked: Asked<'_>) -> *const c_char {
        asked.names().driver.as_char_ptr()
    }

    fn timeline_name(asked: Asked<'_>) -> *const c_char {
        asked.names().timeline.as_char_ptr()
    }
}

impl Head {
    /// The operations of any fence.
    pub(super) const OPS: bindings::dma_fence_ops = bindings::dma_fence_ops {
        get_driver_name: Some(driver_name),
        get_timeline_name: Some(timeline_name),
        enable_signaling: None,
        signaled: None,
        wait: None,
        release: None,
        set_deadline: None,
    };
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
