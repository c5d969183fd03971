// SPDX-License-Identifier: GPL-2.0

//! The strings of issuers.

use core::marker::PhantomData;
use kernel::{
    bindings,
    interop::printf::Argument,
    prelude::*,
    sync::rcu, //
};

/// A string, of whatever length.
///
/// # Invariants
///
/// As that says. It is there as long as RCU is held, for which `'a` stands.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    chars: *const c_char,
    _p: PhantomData<&'a rcu::Guard>,
}

impl<'a> Name<'a> {
    /// The string of an issuer, which RCU keeps.
    #[inline(always)]
    pub(super) fn of_issuer(chars: *const c_char, _rcu: &'a rcu::Guard) -> Self {
        // INVARIANT: That is what `struct dma_fence_ops` says of them.
        Self {
            chars,
            _p: PhantomData,
        }
    }

    #[inline(always)]
    pub(in crate::fence) fn new(name: &'static CStr) -> Self {
        Self {
            chars: name.as_char_ptr(),
            _p: PhantomData,
        }
    }

    pub(crate) fn as_char_ptr(self) -> *const c_char {
        self.chars
    }

    /// Copies it to `room`, cut off where that ends.
    #[cfg(CONFIG_SYNC_FILE)]
    #[inline]
    pub(crate) fn copy_to(self, room: &mut [u8]) {
        // SAFETY: By the type invariant. There is that much room.
        unsafe { bindings::sized_strscpy(room.as_mut_ptr(), self.chars, room.len()) };
    }
}

// SAFETY: By the type invariant it is a string for C.
unsafe impl Argument for Name<'_> {
    const CONVERSIONS: &'static [&'static [u8]] = &[b"s"];
    type C = *const c_char;

    #[inline(always)]
    fn to_c(&self) -> *const c_char {
        self.chars
    }
}

/// Says that the fence with these names, of driver and timeline, was released while it was pending.
#[inline(always)]
pub(in crate::fence) fn warn_released(
    (driver, timeline): (Name<'_>, Name<'_>),
    context: u64,
    seqno: u64,
) {
    // SAFETY: By the type invariant they are strings.
    unsafe { bindings::warn_fence_released(driver.chars, timeline.chars, context, seqno) };
}
