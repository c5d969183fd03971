// SPDX-License-Identifier: GPL-2.0

//! Containers that containers are in.
//!
//! Drivers should not make a link of a chain, or an array of a container. DRM does the former, for
//! user space, which can go on with that as long as it likes: deeper than any stack. So nothing
//! calls itself for what is in a nested container:
//!
//! - It is waited for from the start, by an `irq_work`, which holds no locks, and has a reference
//!   until it is signalled: by a callback, never because somebody asks.
//! - Who asks whether a link is done does not ask the chain in it, which will be signalled.
//! - A deadline goes on to a chain in a link, but not to what is deeper than that, nor to a
//!   container in an array.
//! - What is in it is dropped later, by an `irq_work`.

use super::{
    flag::Flag,
    signal::enable_signaling,
    state::has, //
};
use kernel::{
    dma_buf::Fence,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// Whether a new container is nested.
#[derive(Clone, Copy)]
pub(super) struct Nesting(bool);

impl Nesting {
    /// `is_nested` if there is a container in it that should not be.
    #[inline(always)]
    pub(super) fn new(is_nested: bool) -> Self {
        Self(is_nested)
    }

    /// The flag that it is to have.
    #[inline(always)]
    pub(super) fn bit(self) -> usize {
        if self.0 {
            Flag::Nested.bit()
        } else {
            0
        }
    }

    /// Begins to wait for what is in `container`, if it is nested. Any context.
    #[inline(always)]
    pub(super) fn begin(self, container: &Fence) {
        if self.0 {
            wait_from_the_start(container);
        }
    }
}

#[cold]
#[inline(never)]
fn wait_from_the_start(container: &Fence) {
    enable_signaling(container);
}

/// Whether `container` has a container in it that should not be.
#[inline(always)]
pub(super) fn is_nested(container: &Fence) -> bool {
    // MODEL: none, because it does not change.
    has(container, Flag::Nested)
}

/// How many works of nested containers have been begun.
static WORKS: Atomic<usize> = Atomic::new(0);

/// How many works of nested containers have been begun so far. Where the module
/// [goes](crate::unload) this tells whether there are any more.
pub(crate) fn works() -> usize {
    // MODEL: unload-turns
    WORKS.load(Relaxed)
}

/// Counts a work of `container`, if it is nested.
#[inline(always)]
pub(super) fn count(container: &Fence) {
    if is_nested(container) {
        count_one();
    }
}

#[cold]
#[inline(never)]
fn count_one() {
    // MODEL: unload-turns
    WORKS.fetch_add(1, Relaxed);
}
