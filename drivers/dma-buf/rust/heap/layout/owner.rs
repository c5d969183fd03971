// SPDX-License-Identifier: GPL-2.0

//! The module of a heap's driver.

use core::mem::ManuallyDrop;
use kernel::{
    bindings,
    interop::export::FromC,
    prelude::*, //
};

/// The module that a heap needs, or none.
///
/// # Invariants
///
/// NULL, or a module that is there until the heap that it was added with is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(*mut bindings::module);

// SAFETY: References to a module may be taken and dropped anywhere.
unsafe impl Send for Owner {}

// SAFETY: As above.
unsafe impl Sync for Owner {}

/// NULL, or a module that is running, and that removes the heap before it goes or is told of.
impl FromC for Owner {
    type C = *mut bindings::module;

    #[inline(always)]
    unsafe fn from_c(value: *mut bindings::module) -> Self {
        // INVARIANT: The contract above.
        Self(value)
    }
}

impl Owner {
    /// What stays for ever needs no module.
    pub(crate) const NONE: Self = Self(core::ptr::null_mut());

    /// Whether it is this module.
    #[cfg(CONFIG_MODULES)]
    pub(crate) fn is(self, module: *mut bindings::module) -> bool {
        core::ptr::eq(self.0, module)
    }

    /// Keeps the module loaded. Fails with `ENODEV` if it is being unloaded.
    ///
    /// # Safety
    ///
    /// The heap must not be closed meanwhile.
    pub(crate) unsafe fn keep(self) -> Result<Kept> {
        // SAFETY: By the type invariant it is NULL or still there.
        // MODEL: none, because it fails if that is too late.
        if !unsafe { bindings::try_module_get(self.0) } {
            return Err(ENODEV);
        }
        // INVARIANT: Taken just above.
        Ok(Kept(self))
    }
}

/// A reference to a heap's module.
///
/// # Invariants
///
/// Owns it.
pub(crate) struct Kept(Owner);

impl Kept {
    /// The module, whose reference the caller owns from now on.
    pub(crate) fn into_owner(self) -> Owner {
        ManuallyDrop::new(self).0
    }

    /// Undoes [`into_owner`](Self::into_owner).
    ///
    /// # Safety
    ///
    /// The caller must own a reference to `owner`, and give it up.
    pub(crate) unsafe fn from_owner(owner: Owner) -> Self {
        // INVARIANT: The caller's is ours.
        Self(owner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the reference is ours.
        // MODEL: none, because the code that runs is not in that module.
        unsafe { bindings::module_put(self.0 .0) };
    }
}
