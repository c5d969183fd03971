// SPDX-License-Identifier: GPL-2.0

//! The names of a context, as long as C may read them.
//!
//! C asks a fence for its names in an RCU read-side critical section, and may have found it not to
//! be signalled just before it was. So the names go a grace period after the last of their context,
//! for which nobody waits.

use crate::{
    bindings,
    interop::any_thread::AnyThread,
    prelude::*,
    str::CString,
    types::Opaque, //
};
use core::ptr::NonNull;

/// Both names.
#[repr(C)]
pub(super) struct Both {
    // First, because that is what is freed.
    rcu: Opaque<bindings::callback_head>,
    pub(super) driver: CString,
    pub(super) timeline: CString,
}

/// Owns the names of a context. When it is dropped they stay for a grace period.
///
/// # Invariants
///
/// Points to what was a `KBox<Both>`, and nobody else frees that.
pub(super) struct Names(AnyThread<Both>);

// Neither generic nor inlined, so that it is in the kernel: a module may go before the names do.
impl Names {
    /// Copies the names. Fails with `ENOMEM`. May sleep.
    #[inline(never)]
    pub(super) fn new(driver: &CStr, timeline: &CStr) -> Result<Self> {
        let names = KBox::new(
            Both {
                rcu: Opaque::uninit(),
                driver: driver.try_into()?,
                timeline: timeline.try_into()?,
            },
            GFP_KERNEL,
        )?;

        // INVARIANT: Just made of a box.
        Ok(Self(AnyThread::new(NonNull::from(KBox::leak(names)))))
    }

    /// For those who use the names while `self` is there, or until a grace period afterwards.
    #[inline]
    pub(super) fn as_ptr(&self) -> AnyThread<Both> {
        self.0
    }

    #[inline]
    pub(super) fn get(&self) -> &Both {
        // SAFETY: By the type invariant.
        unsafe { self.0.get().as_ref() }
    }
}

/// # Safety
///
/// Called by RCU, with the beginning of a `Both` whose [`Names`] are gone.
unsafe extern "C" fn free(rcu: *mut bindings::callback_head) {
    // SAFETY: It was a box.
    drop(unsafe { KBox::<Both>::from_raw(rcu.cast()) });
}

impl Drop for Names {
    #[inline(never)]
    fn drop(&mut self) {
        let names = self.0.as_ptr();

        // SAFETY: By the type invariant the names are there, and this is the only call for them.
        // MODEL: fence-names
        unsafe { bindings::call_rcu((*names).rcu.get(), Some(free)) };
    }
}
