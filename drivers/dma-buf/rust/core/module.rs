// SPDX-License-Identifier: GPL-2.0

//! The module that this crate is, or is a part of the kernel without.

use kernel::{
    bindings,
    module::ModuleMetadata,
    prelude::*,
    ThisModule, //
};

/// What the structures that the VFS knows have for their owner.
pub(crate) const fn this_module() -> *mut bindings::module {
    #[cfg(MODULE)]
    {
        (&raw const bindings::__this_module).cast_mut()
    }
    #[cfg(not(MODULE))]
    core::ptr::null_mut()
}

/// What `module!` would make.
#[cfg_attr(not(CONFIG_SYNC_FILE), allow(dead_code))]
pub(crate) struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"dma_buf";

    // SAFETY: It is this module, or NULL for what is built in.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(this_module()) };
}
