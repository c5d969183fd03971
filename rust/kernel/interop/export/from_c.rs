// SPDX-License-Identifier: GPL-2.0

//! What exported functions take.

use super::Wrapper;
use crate::{
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        Arc, //
    },
    warn_on, //
};
use core::{
    marker::PhantomData,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::NonNull, //
};

/// What an exported function takes.
pub trait FromC: Sized {
    /// What C passes.
    type C;

    /// Makes an argument of what C passes.
    ///
    /// # Safety
    ///
    /// `value` must be what the implementation's documentation says, for as long as the function
    /// that C calls runs, which must not keep the result for longer.
    unsafe fn from_c(value: Self::C) -> Self;
}

/// A function, or NULL.
impl<F> FromC for Option<Function<F>> {
    type C = Option<F>;

    #[inline(always)]
    unsafe fn from_c(value: Option<F>) -> Self {
        value.map(Function)
    }
}

/// A function that C passes.
pub struct Function<F>(pub F);

/// A valid object.
impl<T: Wrapper> FromC for &T {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above, and `Wrapper`'s.
        unsafe { &*value.cast() }
    }
}

/// A valid object, or NULL.
impl<T: Wrapper> FromC for Option<&T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above, and `Wrapper`'s.
        unsafe { value.cast::<T>().as_ref() }
    }
}

/// A valid object. NULL, which the caller should not pass, is `EINVAL` and a warning.
impl<T: Wrapper> FromC for Result<&T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above.
        let object = unsafe { Option::from_c(value) };

        if warn_on!(object.is_none()) {
            return Err(EINVAL);
        }
        object.ok_or(EINVAL)
    }
}

/// A reference that the caller gives up.
impl<T: Wrapper + AlwaysRefCounted> FromC for ARef<T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: A reference is no NULL, and it is the caller's to give.
        unsafe { ARef::from_raw(NonNull::new_unchecked(value.cast())) }
    }
}

/// A reference that the caller gives up, or NULL.
impl<T: Wrapper + AlwaysRefCounted> FromC for Option<ARef<T>> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: The reference is the caller's to give.
        NonNull::new(value.cast()).map(|object| unsafe { ARef::from_raw(object) })
    }
}

/// A reference that the caller gives up.
impl<T: Wrapper> FromC for Arc<T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: The reference is the caller's to give, and came from `Arc::into_raw()`.
        unsafe { Arc::from_raw(value.cast_const().cast()) }
    }
}

/// A pointer that is not NULL. Who uses it argues for that.
impl<T> FromC for NonNull<T> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        // SAFETY: By the contract above.
        unsafe { NonNull::new_unchecked(value) }
    }
}

/// A pointer, or NULL. Who uses it argues for that.
impl<T> FromC for Option<NonNull<T>> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        NonNull::new(value)
    }
}

/// Where the function leaves something for its caller: valid for a write, and nobody else's.
///
/// # Invariants
///
/// As that says.
pub struct Out<'a, T>(NonNull<T>, PhantomData<&'a mut T>);

impl<T> Out<'_, T> {
    /// Leaves `value` there. What was there is not dropped.
    #[inline(always)]
    pub fn put(&mut self, value: T) {
        // SAFETY: By the type invariant.
        unsafe { self.0.write(value) };
    }
}

impl<T> FromC for Out<'_, T> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        // INVARIANT: The contract of the type.
        // SAFETY: What is valid is not NULL.
        Self(unsafe { NonNull::new_unchecked(value) }, PhantomData)
    }
}

/// As without `Option`, or NULL.
impl<T> FromC for Option<Out<'_, T>> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        // INVARIANT: The contract of the type.
        NonNull::new(value).map(|place| Out(place, PhantomData))
    }
}

/// A structure that the function changes: valid, initialised, and nobody else accesses it.
pub struct InOut<'a, T>(&'a mut T);

impl<T> Deref for InOut<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.0
    }
}

impl<T> DerefMut for InOut<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        self.0
    }
}

impl<T> FromC for InOut<'_, T> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        // SAFETY: By the contract of the type.
        Self(unsafe { &mut *value })
    }
}

/// A valid object that nobody else accesses.
impl<T: Wrapper> FromC for &mut T {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above, and `Wrapper`'s.
        unsafe { &mut *value.cast() }
    }
}
