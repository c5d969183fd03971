// SPDX-License-Identifier: GPL-2.0

//! The module that this crate is, if it is one.

use kernel::{
    bindings,
    prelude::*,
    ModuleMetadata, //
};

/// What the structures that the VFS knows have for their owner.
#[inline(always)]
pub(crate) const fn this_module() -> *mut bindings::module {
    #[cfg(MODULE)]
    {
        (&raw const bindings::__this_module).cast_mut()
    }
    #[cfg(not(MODULE))]
    core::ptr::null_mut()
}

/// What implementations of traits for tables of operations name as their module.
pub(crate) struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"dma_buf";

    // SAFETY: This is it.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(this_module()) };
}
