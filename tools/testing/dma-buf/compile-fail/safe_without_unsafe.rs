// SPDX-License-Identifier: GPL-2.0

//! That a function of C's is safe, and what a type is to C, nobody says without `unsafe`.

use kernel::{bindings, prelude::*, types::Opaque};

#[repr(transparent)]
pub struct Map(Opaque<bindings::iosys_map>);

#[cfg(not(misuse))]
kernel::wrappers! {
    // SAFETY: Transparent.
    unsafe {
        Map => bindings::iosys_map,
    }
}

#[cfg(misuse)]
kernel::wrappers! {
    Map => bindings::iosys_map, //~ ERROR no rules expected
}

#[cfg(not(misuse))]
kernel::c_functions! {
    // SAFETY: Any number may be asked for.
    unsafe extern "C" {
        safe fn dma_fence_context_alloc(num: c_uint) -> u64;
    }
}

#[cfg(misuse)]
kernel::c_functions! {
    fn kfree(memory: *const c_void); //~ ERROR no rules expected
}

#[cfg(misuse)]
kernel::c_functions! {
    safe fn kfree(memory: *const c_void); //~ ERROR no rules expected
}

#[cfg(misuse)]
kernel::trace_events! {
    fn dma_fence_signaled(fence: *mut bindings::dma_fence); //~ ERROR no rules expected
}
