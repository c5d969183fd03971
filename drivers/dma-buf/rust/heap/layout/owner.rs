// SPDX-License-Identifier: GPL-2.0

//! The module of a heap's driver.

use kernel::{
    bindings,
    interop::{
        any_thread::AnyThread,
        export::AsC, //
    }, //
};

/// The module that a heap needs, or none.
///
/// # Invariants
///
/// A module that is there until the heap that it was added with is closed and nobody is inside of
/// it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Owner(Option<AnyThread<bindings::module>>);

/// NULL, or a module that is running, and that removes the heap before it goes or is told of.
// SAFETY: For NULL there is `None`.
unsafe impl AsC for Owner {
    type C = *mut bindings::module;
}

impl Owner {
    /// What stays for ever needs no module.
    pub(crate) const NONE: Self = Self(None);

    /// The module, or NULL.
    pub(crate) fn as_ptr(self) -> *mut bindings::module {
        self.0.map_or(core::ptr::null_mut(), AnyThread::as_ptr)
    }
}
