// SPDX-License-Identifier: GPL-2.0

//! Being told of modules that go.

use crate::{
    bindings,
    error::to_result,
    interop::{
        module_ref::ModuleRef,
        object::Object, //
    },
    prelude::*, //
};
use core::{
    marker::PhantomPinned,
    ptr, //
};

/// Has a function called whenever a module is unloaded, after the module's own exit and before its
/// code is freed, until this is dropped.
///
/// It belongs into the structure that is the module, with which it goes. Anywhere else it keeps the
/// module of the function loaded, so that it may be forgotten there.
///
/// # Invariants
///
/// `_block` is accessed by nobody but the notifier chain. It is the first field. As long as it is
/// in the chain the code of `call` stays: `_module` keeps it, or this is in the memory of the same
/// module and dropped before that goes.
#[repr(C)]
#[pin_data(PinnedDrop)]
pub struct ModuleGoing {
    _block: Object<bindings::notifier_block>,
    call: fn(*mut bindings::module),
    _module: Option<ModuleRef>,
    #[pin]
    _pinned: PhantomPinned,
}

impl ModuleGoing {
    /// Will call `call`, which may sleep, with the module.
    ///
    /// Fails with `ENOENT` if the module of `call` is about to be unloaded, or is being loaded and
    /// this is not in its own structure. Sleeps.
    pub fn new(call: fn(*mut bindings::module)) -> impl PinInit<Self, Error> {
        try_pin_init!(&this in Self {
            _block: Object::new(bindings::notifier_block {
                notifier_call: Some(module_changes),
                next: ptr::null_mut(),
                priority: 0,
            }),
            _module: ModuleRef::unless_inside(this.addr().get(), call as usize)?,
            call,
            _pinned: PhantomPinned,
        }? Error)
        .pin_chain(|this| this.begin())
    }

    // Once, and not in each module.
    #[inline(never)]
    fn begin(&self) -> Result {
        // SAFETY: The block is complete, and is taken out of the chain before this is dropped. By
        // the type invariant the code stays.
        to_result(unsafe { bindings::register_module_notifier(self.block()) })
    }

    /// The block, by a pointer to all of it.
    #[inline]
    fn block(&self) -> *mut bindings::notifier_block {
        ptr::from_ref(self).cast_mut().cast()
    }
}

#[pinned_drop]
impl PinnedDrop for ModuleGoing {
    /// Afterwards `call` does not run any more. Sleeps.
    fn drop(self: Pin<&mut Self>) {
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
