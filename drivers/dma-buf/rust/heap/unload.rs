// SPDX-License-Identifier: GPL-2.0

//! Modules that go and leave heaps behind.
//!
//! Who removes a heap is its driver, before its module goes. One that has lost its heap cannot do
//! that, and must not be kept for it: to be unloaded is how modules take their heaps away. So what
//! is left is taken away after the driver's own exit, and before its code is freed.

use crate::registry;
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

struct Notifier(Opaque<bindings::notifier_block>);

// SAFETY: After its registration only the notifier chain accesses it.
unsafe impl Sync for Notifier {}

static NOTIFIER: Notifier = Notifier(Opaque::new(bindings::notifier_block {
    notifier_call: Some(module_changes),
    ..pin_init::zeroed()
}));

/// Begins to look after modules.
///
/// # Safety
///
/// Called once.
pub(crate) unsafe fn init() -> Result {
    // SAFETY: The block is complete, and stays until `exit`.
    to_result(unsafe { bindings::register_module_notifier(NOTIFIER.0.get()) })
}

/// Undoes [`init`].
///
/// # Safety
///
/// Called once, after `init` has succeeded.
pub(crate) unsafe fn exit() {
    // SAFETY: The caller's guarantee.
    unsafe { bindings::unregister_module_notifier(NOTIFIER.0.get()) };
}

/// # Safety
///
/// Called by the notifier chain.
unsafe extern "C" fn module_changes(
    _: *mut bindings::notifier_block,
    state: c_ulong,
    module: *mut c_void,
) -> c_int {
    if state == bindings::module_state_MODULE_STATE_GOING as c_ulong {
        if let Some(module) = NonNull::new(module.cast()) {
            registry::remove_left_by(module);
        }
    }
    bindings::NOTIFY_DONE as c_int
}
