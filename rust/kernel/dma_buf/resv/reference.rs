// SPDX-License-Identifier: GPL-2.0

//! References to what has a reservation object, whatever it is.

use super::object::Resv;
use crate::{
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        Arc, //
    },
    types::ForeignOwnable,
};
use core::ptr::NonNull;

/// Something that has a reservation object, of its own or together with others.
///
/// # Examples
///
/// All objects of an address space that are never shared have the same one:
///
/// ```
/// use kernel::{dma_buf::{HasResv, Resv}, prelude::*, sync::Arc};
///
/// struct Private {
///     space: Arc<Resv>,
/// }
///
/// impl HasResv for Private {
///     fn resv(&self) -> &Resv {
///         &self.space
///     }
/// }
/// ```
pub trait HasResv {
    /// The reservation object.
    fn resv(&self) -> &Resv;
}

impl HasResv for Resv {
    #[inline]
    fn resv(&self) -> &Resv {
        self
    }
}

mod private {
    use super::*;

    pub trait Sealed {}

    impl<T: HasResv> Sealed for Arc<T> {}
    impl<T: HasResv + AlwaysRefCounted> Sealed for ARef<T> {}
}

/// A counted reference to something that has a reservation object: an [`Arc`] or an [`ARef`].
pub trait ResvHandle: private::Sealed + ForeignOwnable + Clone + 'static {
    /// The reservation object.
    ///
    /// Stays as long as there is this handle or a clone of it, which both refer to one object.
    fn resv(&self) -> &Resv;
}

impl<T: HasResv + 'static> ResvHandle for Arc<T> {
    #[inline]
    fn resv(&self) -> &Resv {
        (**self).resv()
    }
}

impl<T: HasResv + AlwaysRefCounted + 'static> ResvHandle for ARef<T> {
    #[inline]
    fn resv(&self) -> &Resv {
        (**self).resv()
    }
}

/// A reference that keeps a reservation object.
///
/// # Invariants
///
/// `object` came from `into_foreign()` of a handle, and `put` takes it back. `resv` was borrowed
/// from it, and stays as long, wherever the reference is moved to: what a handle refers to stays in
/// its place, and nobody can have it exclusively as long as there is one.
pub(super) struct Reference {
    resv: NonNull<Resv>,
    object: *mut c_void,
    put: unsafe fn(*mut c_void),
}

impl Reference {
    #[inline]
    pub(super) fn to<H: ResvHandle>(handle: &H) -> Self {
        let kept = handle.clone();

        // INVARIANT: Asked once, since it might not say the same twice.
        Self {
            resv: NonNull::from(kept.resv()),
            object: kept.into_foreign(),
            put: put::<H>,
        }
    }

    #[inline]
    pub(super) fn resv(&self) -> &Resv {
        // SAFETY: By the type invariant.
        unsafe { self.resv.as_ref() }
    }
}

impl Drop for Reference {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant; this is the last use of it.
        unsafe { (self.put)(self.object) };
    }
}

/// # Safety
///
/// `object` must have come from `into_foreign()` of an `H`, and not be used any more.
unsafe fn put<H: ResvHandle>(object: *mut c_void) {
    // SAFETY: By the caller's guarantee.
    drop(unsafe { H::from_foreign(object) });
}
