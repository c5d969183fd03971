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
    mem::{
        transmute_copy,
        ManuallyDrop,
        MaybeUninit, //
    },
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

/// What is, bit by bit, what C passes for it.
///
/// # Safety
///
/// Both have the same size. Where what C passes is what the implementation's documentation says, it
/// is a value of this type.
pub unsafe trait AsC: Sized {
    /// What C passes.
    type C;
}

/// As the implementation of [`AsC`] says.
impl<T: AsC> FromC for T {
    type C = <T as AsC>::C;

    #[inline(always)]
    unsafe fn from_c(value: Self::C) -> Self {
        const { assert!(size_of::<T>() == size_of::<<T as AsC>::C>()) };

        // SAFETY: By the contract above, and `AsC`'s.
        unsafe { transmute_copy(&ManuallyDrop::new(value)) }
    }
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
// SAFETY: A reference is a pointer, here to what is as good as a `T` by `Wrapper`.
unsafe impl<T: Wrapper> AsC for &T {
    type C = *mut T::C;
}

/// A valid object, or NULL.
// SAFETY: As above. For NULL there is `None`.
unsafe impl<T: Wrapper> AsC for Option<&T> {
    type C = *mut T::C;
}

/// A valid object that nobody else accesses.
// SAFETY: As above.
unsafe impl<T: Wrapper> AsC for &mut T {
    type C = *mut T::C;
}

/// A valid object. NULL, which the caller should not pass, is `EINVAL` and a warning.
impl<T: Wrapper> FromC for Result<&T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above.
        let object = unsafe { Option::<&T>::from_c(value) };

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
// SAFETY: What is not NULL is one.
unsafe impl<T> AsC for NonNull<T> {
    type C = *mut T;
}

/// A pointer, or NULL. Who uses it argues for that.
// SAFETY: For NULL there is `None`.
unsafe impl<T> AsC for Option<NonNull<T>> {
    type C = *mut T;
}

/// Where the function leaves something for its caller: valid for a write, and nobody else's.
#[repr(transparent)]
pub struct Out<'a, T>(&'a mut MaybeUninit<T>);

impl<T> Out<'_, T> {
    /// Leaves `value` there. What was there is not dropped.
    #[inline(always)]
    pub fn put(&mut self, value: T) {
        self.0.write(value);
    }
}

/// As the type says.
// SAFETY: Transparent, and a reference is a pointer.
unsafe impl<T> AsC for Out<'_, T> {
    type C = *mut T;
}

/// As without `Option`, or NULL.
// SAFETY: As above. For NULL there is `None`.
unsafe impl<T> AsC for Option<Out<'_, T>> {
    type C = *mut T;
}

/// A structure that the function changes: valid, initialised, and nobody else accesses it.
#[repr(transparent)]
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

/// As the type says.
// SAFETY: Transparent, and a reference is a pointer.
unsafe impl<T> AsC for InOut<'_, T> {
    type C = *mut T;
}
