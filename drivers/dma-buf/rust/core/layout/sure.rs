// SPDX-License-Identifier: GPL-2.0

//! What C passes with a reservation object that is locked.

use kernel::{
    interop::export::{
        AsC,
        Wrapper, //
    },
    types::NotThreadSafe, //
};

/// Something whose reservation object is locked; or such an object itself.
///
/// # Invariants
///
/// The current task holds the lock for `'a`.
#[repr(transparent)]
pub(crate) struct Sure<'a, T>(&'a T, NotThreadSafe);

/// As the invariant says.
// SAFETY: Transparent. A reference is a pointer, here to what is as good as a `T` by `Wrapper`.
unsafe impl<T: Wrapper> AsC for Sure<'_, T> {
    type C = *mut T::C;
}

impl<'a, T> Sure<'a, T> {
    #[inline(always)]
    pub(crate) fn object(self) -> &'a T {
        self.0
    }
}
