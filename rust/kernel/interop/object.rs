// SPDX-License-Identifier: GPL-2.0

//! Structures of C's that Rust has the place of, and nothing else.

use super::export::Wrapper;
use crate::prelude::*;
use core::{
    cell::UnsafeCell,
    convert::Infallible,
    marker::PhantomPinned,
    mem::MaybeUninit,
    ptr, //
};

/// A structure of C's, as [`Opaque`](crate::types::Opaque), which any thread may have.
///
/// All that can be had of it is where it is. Who follows the pointer says why that may be done, by
/// any thread that may have it. So a structure of such objects is [`Send`] and [`Sync`] by itself.
///
/// All of it is part of who uses it: nothing here is called.
///
/// # Examples
///
/// ```
/// use kernel::{bindings, interop::object::Object};
///
/// static FIRST: Object<bindings::list_head> = Object::zeroed();
///
/// assert!(!FIRST.get().is_null());
/// ```
#[repr(transparent)]
pub struct Object<T>(UnsafeCell<MaybeUninit<T>>, PhantomPinned);

// SAFETY: Only the pointer can be had, which does nothing by itself.
unsafe impl<T> Send for Object<T> {}

// SAFETY: As above.
unsafe impl<T> Sync for Object<T> {}

// SAFETY: Transparent, and so is what is in there.
unsafe impl<T> Wrapper for Object<T> {
    type C = T;
}

impl<T> Object<T> {
    /// With this in it.
    #[inline(always)]
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(MaybeUninit::new(value)), PhantomPinned)
    }

    /// With nothing in it yet.
    #[inline(always)]
    pub const fn uninit() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()), PhantomPinned)
    }

    /// All zero.
    #[inline(always)]
    pub const fn zeroed() -> Self {
        Self(UnsafeCell::new(MaybeUninit::zeroed()), PhantomPinned)
    }

    /// Where it is.
    #[inline(always)]
    pub const fn get(&self) -> *mut T {
        // CAST: It is transparent, and may be changed through a shared reference.
        ptr::from_ref(self).cast_mut().cast()
    }

    /// With what `init` leaves where it is told to.
    #[inline(always)]
    pub fn ffi_init(init: impl FnOnce(*mut T)) -> impl PinInit<Self> {
        Self::try_ffi_init(move |place| {
            init(place);
            Ok::<(), Infallible>(())
        })
    }

    /// As [`ffi_init`](Self::ffi_init), for what may fail.
    #[inline(always)]
    pub fn try_ffi_init<E>(init: impl FnOnce(*mut T) -> Result<(), E>) -> impl PinInit<Self, E> {
        // SAFETY: Whatever is there afterwards, it is an `Object`.
        unsafe { pin_init::pin_init_from_closure(move |place: *mut Self| init(place.cast())) }
    }
}

/// A constant structure of C's with pointers in it, for a static.
///
/// Only C follows these pointers.
#[repr(transparent)]
pub struct Constant<T>(T);

// SAFETY: What can be had is where it is, or, within this crate, copies of pointers and functions.
// Neither does something by itself.
unsafe impl<T> Sync for Constant<T> {}

impl<T> Constant<T> {
    /// With this in it.
    #[inline(always)]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Where it is.
    #[inline(always)]
    pub const fn as_ptr(&'static self) -> *const T {
        &raw const self.0
    }

    /// What is in it.
    #[inline(always)]
    pub(crate) const fn get(&self) -> &T
    where
        T: Copy,
    {
        &self.0
    }
}
