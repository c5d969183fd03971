// SPDX-License-Identifier: GPL-2.0

//! Which module code was linked into.

use crate::{
    bindings,
    module::{
        this_module,
        ModuleMetadata, //
    },
    prelude::*, //
};
use core::ptr;

/// The module that something was linked into which this is a part of, such as a table of functions.
///
/// The code for a generic type is where somebody has put types into it, which need not be the crate
/// that the type is from. `THIS_MODULE` of a crate that may be loaded is that of whatever it is
/// linked into. But what is built in has none, and would give none to the modules that use its
/// types: so it gives them a symbol with it that there is for no module. Such a module does not
/// link, for want of `linux_banner`.
///
/// It has to stay in memory for that, if only in a constant.
#[derive(Clone, Copy)]
pub struct Linked {
    module: *mut bindings::module,
    _kernel: *const c_void,
}

impl Linked {
    /// As a part of what is of the crate `M`.
    pub const fn into<M: ModuleMetadata>() -> Self {
        let module = this_module::<M>().as_ptr();

        Self {
            module,
            _kernel: if module.is_null() {
                (&raw const bindings::linux_banner).cast()
            } else {
                ptr::null()
            },
        }
    }

    /// The module, or NULL for what is built in.
    #[inline(always)]
    pub const fn module(self) -> *mut bindings::module {
        self.module
    }
}
