// SPDX-License-Identifier: GPL-2.0

//! What exported functions return.

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
};
use core::ptr::{
    self,
    NonNull, //
};

/// What an exported function returns.
pub trait IntoC {
    /// What C gets.
    type C;

    /// Makes what C gets of a result.
    fn into_c(self) -> Self::C;
}

/// Zero, or a negative error code.
impl IntoC for Result {
    type C = c_int;

    #[inline(always)]
    fn into_c(self) -> c_int {
        match self {
            Ok(()) => 0,
            Err(err) => err.to_errno(),
        }
    }
}

/// A number that is not negative, or a negative error code.
impl IntoC for Result<c_int> {
    type C = c_int;

    #[inline(always)]
    fn into_c(self) -> c_int {
        self.unwrap_or_else(|err| err.to_errno())
    }
}

/// A number that is not negative, or a negative error code.
impl IntoC for Result<c_long> {
    type C = c_long;

    #[inline(always)]
    fn into_c(self) -> c_long {
        self.unwrap_or_else(|err| err.to_errno() as c_long)
    }
}

/// A number that is not negative, or a negative error code.
impl IntoC for Result<i64> {
    type C = i64;

    #[inline(always)]
    fn into_c(self) -> i64 {
        self.unwrap_or_else(|err| err.to_errno().into())
    }
}

/// The object.
impl<T: Wrapper> IntoC for &T {
    type C = *mut T::C;

    #[inline(always)]
    fn into_c(self) -> *mut T::C {
        self.as_c()
    }
}

/// The object, or NULL.
impl<T: Wrapper> IntoC for Option<&T> {
    type C = *mut T::C;

    #[inline(always)]
    fn into_c(self) -> *mut T::C {
        self.map_or(ptr::null_mut(), T::as_c)
    }
}

/// A reference for the caller.
impl<T: Wrapper + AlwaysRefCounted> IntoC for ARef<T> {
    type C = *mut T::C;

    #[inline(always)]
    fn into_c(self) -> *mut T::C {
        ARef::into_raw(self).cast().as_ptr()
    }
}

/// A reference for the caller, or NULL.
impl<T: Wrapper + AlwaysRefCounted> IntoC for Option<ARef<T>> {
    type C = *mut T::C;

    #[inline(always)]
    fn into_c(self) -> *mut T::C {
        self.map_or(ptr::null_mut(), ARef::into_c)
    }
}

/// A reference for the caller, or an error in its place (`ERR_PTR()`).
impl<T: Wrapper + AlwaysRefCounted> IntoC for Result<ARef<T>> {
    type C = *mut T::C;

    #[inline(always)]
    fn into_c(self) -> *mut T::C {
        self.map_or_else(Error::to_ptr, ARef::into_c)
    }
}

/// A reference for the caller, or an error in its place (`ERR_PTR()`).
impl<T: Wrapper> IntoC for Result<Arc<T>> {
    type C = *mut T::C;

    #[inline(always)]
    fn into_c(self) -> *mut T::C {
        self.map_or_else(Error::to_ptr, |object| {
            Arc::into_raw(object).cast_mut().cast()
        })
    }
}

/// The pointer, or NULL.
impl<T> IntoC for Option<NonNull<T>> {
    type C = *mut T;

    #[inline(always)]
    fn into_c(self) -> *mut T {
        self.map_or(ptr::null_mut(), NonNull::as_ptr)
    }
}

/// The pointer, or an error in its place (`ERR_PTR()`).
impl<T> IntoC for Result<NonNull<T>> {
    type C = *mut T;

    #[inline(always)]
    fn into_c(self) -> *mut T {
        self.map_or_else(Error::to_ptr, NonNull::as_ptr)
    }
}
