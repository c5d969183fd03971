// SPDX-License-Identifier: GPL-2.0

//! What all fences of Rust drivers have.

use super::{
    inside::Inside,
    leaf::LeafFence, //
};
use crate::{
    bindings,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Atomic, //
    },
    types::Opaque,
};
use core::ops::Deref;

/// What does not depend on the driver.
#[repr(C)]
pub(super) struct Head {
    // First, because the core frees the allocation by the address of the fence.
    fence: Opaque<bindings::dma_fence>,
    pub(super) timeline_name: &'static CStr,
    pub(super) inside: Inside,
    /// Whether the owner has taken back what is its own. Changed with the fence's lock held.
    pub(super) closed: Atomic<bool>,
}

impl Head {
    /// The fence is to be initialised.
    #[inline]
    pub(super) fn new(timeline_name: &'static CStr) -> Self {
        Self {
            fence: Opaque::uninit(),
            timeline_name,
            inside: Inside::new(),
            closed: Atomic::new(false),
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
