// SPDX-License-Identifier: GPL-2.0

//! What a task calls in C to sleep.

use kernel::{
    bindings,
    interop::export::AsC,
    prelude::*, //
};

/// What a task is about to do.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(in crate::fence) enum State {
    Running = bindings::TASK_RUNNING,
    Interruptible = bindings::TASK_INTERRUPTIBLE,
    Uninterruptible = bindings::TASK_UNINTERRUPTIBLE,
}

/// One of these states.
// SAFETY: They are numbers of C's.
unsafe impl AsC for State {
    type C = c_uint;
}

kernel::c_functions! {
    // SAFETY: A task may be in any of these states, and be woken from them at any time.
    unsafe extern "C" {
        pub(in crate::fence) safe fn schedule_timeout(timeout: c_long) -> c_long;
        #[link_name = "rust_helper_set_current_state"]
        pub(in crate::fence) safe fn set_current_state(state: State);
        #[link_name = "rust_helper___set_current_state"]
        pub(in crate::fence) safe fn __set_current_state(state: State);
    }
}
