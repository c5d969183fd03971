// SPDX-License-Identifier: GPL-2.0

//! Being told of modules that go.

use crate::{
    bindings,
    error::to_result,
    interop::object::Object,
    prelude::*, //
};
use core::ptr;

/// Has a function called whenever a module is unloaded, after the module's own exit and before its
/// code is freed.
///
/// # Invariants
///
/// `_block` is accessed by nobody but the notifier chain. It is the first field.
#[repr(C)]
pub struct ModuleGoing {
    _block: Object<bindings::notifier_block>,
    call: fn(*mut bindings::module),
}

impl ModuleGoing {
    /// Will call `call`, which may sleep, with the module.
    pub const fn new(call: fn(*mut bindings::module)) -> Self {
        Self {
            _block: Object::new(bindings::notifier_block {
                notifier_call: Some(module_changes),
                next: ptr::null_mut(),
                priority: 0,
            }),
            call,
        }
    }

    /// The block, by a pointer to all of it.
    #[inline]
    fn block(&'static self) -> *mut bindings::notifier_block {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// Begins. Fails with `EEXIST` if it has begun already. Sleeps.
    #[inline]
    pub fn begin(&'static self) -> Result {
        // SAFETY: The block, which is the first field, is complete and static, and its code has to
        // `end` this before it goes, as with anything that is static.
        to_result(unsafe { bindings::register_module_notifier(self.block()) })
    }

    /// Ends: `call` does not run any more. Does nothing if it has not begun. Sleeps.
    #[inline]
    pub fn end(&'static self) {
        // SAFETY: The chain looks for the block.
        unsafe { bindings::unregister_module_notifier(self.block()) };
    }
}

/// # Safety
///
/// Called by the notifier chain with the block of a [`ModuleGoing`], and a module.
unsafe extern "C" fn module_changes(
    block: *mut bindings::notifier_block,
    state: c_ulong,
    module: *mut c_void,
) -> c_int {
    if state == bindings::module_state_MODULE_STATE_GOING as c_ulong {
        // SAFETY: By the type invariant the block is the beginning of one of these.
        let going = unsafe { &*block.cast::<ModuleGoing>() };

        (going.call)(module.cast());
    }
    bindings::NOTIFY_DONE as c_int
}
