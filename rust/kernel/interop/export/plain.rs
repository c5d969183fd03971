// SPDX-License-Identifier: GPL-2.0

//! What is passed as it is.

use super::{
    FromC,
    IntoC, //
};
use crate::bindings;

macro_rules! as_it_is {
    ($($ty:ty),*) => {$(
        /// As it is.
        impl FromC for $ty {
            type C = $ty;

            #[inline(always)]
            unsafe fn from_c(value: $ty) -> $ty {
                value
            }
        }

        /// As it is.
        impl IntoC for $ty {
            type C = $ty;

            #[inline(always)]
            fn into_c(self) -> $ty {
                self
            }
        }
    )*};
}

as_it_is!((), bool, i32, u32, i64, u64, isize, usize);
as_it_is!(bindings::dma_data_direction);

macro_rules! pointer_as_it_is {
    ($($ty:ty),*) => {$(
        /// As it is. Who uses it argues for that.
        impl<T> FromC for $ty {
            type C = $ty;

            #[inline(always)]
            unsafe fn from_c(value: $ty) -> $ty {
                value
            }
        }

        /// As it is.
        impl<T> IntoC for $ty {
            type C = $ty;

            #[inline(always)]
            fn into_c(self) -> $ty {
                self
            }
        }
    )*};
}

pointer_as_it_is!(*mut T, *const T);
