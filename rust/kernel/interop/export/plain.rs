// SPDX-License-Identifier: GPL-2.0

//! What is passed as it is.

use super::{
    AsC,
    IntoC, //
};
use crate::bindings;

macro_rules! as_it_is {
    ($($ty:ty $(where $param:ident)?),* $(,)?) => {$(
        // SAFETY: It is the same.
        unsafe impl $(<$param>)? AsC for $ty {
            type C = $ty;
        }

        /// As it is.
        impl $(<$param>)? IntoC for $ty {
            type C = $ty;

            #[inline(always)]
            fn into_c(self) -> $ty {
                self
            }
        }
    )*};
}

// Who uses a pointer argues for that.
as_it_is!(
    (),
    bool,
    i32,
    u32,
    i64,
    u64,
    isize,
    usize,
    bindings::dma_data_direction,
    *mut T where T,
    *const T where T,
);
