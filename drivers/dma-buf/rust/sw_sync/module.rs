// SPDX-License-Identifier: GPL-2.0

//! The module that this crate is, if it is one.

use kernel::{
    bindings,
    module::ModuleMetadata, //
};

kernel::c_module!(c"sw_sync");

/// What the structures that the VFS knows have for their owner.
#[inline(always)]
pub(crate) const fn this_module() -> *mut bindings::module {
    LocalModule::THIS_MODULE.as_ptr()
}
