// SPDX-License-Identifier: GPL-2.0

//! `struct dma_resv`.

use kernel::{
    bindings::dma_resv_list,
    dma_buf::Resv,
    interop::export::{
        AsC,
        Wrapper, //
    },
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::NotThreadSafe, //
};

kernel::c_functions! {
    // SAFETY: A reference is a valid reservation object, which is only looked at.
    unsafe extern "C" {
        #[link_name = "rust_helper_dma_resv_assert_held"]
        safe fn dma_resv_assert_held(resv: &Resv);
        #[link_name = "rust_helper_dma_resv_might_lock"]
        safe fn dma_resv_might_lock(resv: &Resv);
    }
}

/// Tells lockdep, if it is there, that the lock is held.
#[inline(always)]
pub(crate) fn assert_held(resv: &Resv) {
    if cfg!(CONFIG_LOCKDEP) {
        dma_resv_assert_held(resv);
    }
}

/// Tells lockdep, if it is there, that the lock may be taken.
#[inline(always)]
pub(crate) fn might_lock(resv: &Resv) {
    if cfg!(CONFIG_LOCKDEP) {
        dma_resv_might_lock(resv);
    }
}

/// A reservation object that is locked.
///
/// # Invariants
///
/// The current task holds the lock for as long as this exists.
#[repr(transparent)]
pub(crate) struct Held<'a>(&'a Resv);

/// What C passes with a lock that is held: a reservation object, or something that has one.
///
/// # Invariants
///
/// The current task holds the lock for `'a`.
#[repr(transparent)]
pub(crate) struct Sure<'a, T>(&'a T, NotThreadSafe);

/// A valid object whose lock, or whose buffer's lock, is held.
// SAFETY: Transparent. A reference is a pointer, here to what is as good as a `T` by `Wrapper`.
unsafe impl<T: Wrapper> AsC for Sure<'_, T> {
    type C = *mut T::C;
}

impl<'a, T> Sure<'a, T> {
    /// The object, whose lock is that of what `resv` gives. Tells lockdep that it is held.
    #[inline(always)]
    pub(crate) fn object(self, resv: impl FnOnce(&T) -> &Resv) -> &'a T {
        assert_held(resv(self.0));
        self.0
    }
}

impl<'a> Sure<'a, Resv> {
    #[inline(always)]
    pub(super) fn get(self) -> Held<'a> {
        // INVARIANT: As the type says.
        Held(self.object(|resv| resv))
    }
}

impl<'a> Held<'a> {
    pub(super) fn resv(&self) -> &'a Resv {
        self.0
    }

    /// Tells lockdep that it is so.
    #[inline(always)]
    pub(super) fn assert(&self) {
        assert_held(self.0);
    }
}

/// Whether there is no list, and so no fence.
#[inline(always)]
pub(crate) fn has_no_list(resv: &Resv) -> bool {
    // MODEL: none, because nothing is read there.
    list(resv).load(Relaxed).is_null()
}

/// The pointer to the list, which is NULL or what this module has put there.
#[inline(always)]
pub(super) fn list(resv: &Resv) -> &Atomic<*mut dma_resv_list> {
    // SAFETY: The pointer lives as long as the object and is accessed atomically only.
    unsafe { Atomic::from_ptr(&raw mut (*resv.as_raw()).fences) }
}
