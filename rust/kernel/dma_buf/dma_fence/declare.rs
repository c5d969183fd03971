// SPDX-License-Identifier: GPL-2.0

//! Declaring C functions with the types of this crate.
//!
//! To bindgen a fence is a pointer, so that each call has to be argued for. Where all that a
//! function asks of its arguments is what their types promise here, it is declared once more, with
//! these types, as safe. That it is the same function is checked against what bindgen says.

/// What C calls this type. Both are passed in the same way.
pub(in crate::dma_buf) trait AsC {
    type C;
}

/// Says what C calls types of ours, `Ours => theirs`.
macro_rules! as_c {
    ($($ty:ty => $c:ty,)*) => {
        $(impl $crate::dma_buf::dma_fence::declare::AsC for $ty { type C = $c; })*
    };
}

as_c! {
    bool => Self,
    i32 => Self,
    i64 => Self,
    isize => Self,
    u32 => Self,
    u64 => Self,
    usize => Self,
}

impl<T> AsC for *mut T {
    type C = Self;
}

impl<T: AsC> AsC for &T {
    type C = *mut T::C;
}

impl<T: AsC> AsC for &mut T {
    type C = *mut T::C;
}

impl<T: AsC> AsC for Option<&T> {
    type C = *mut T::C;
}

/// Declares functions of the C API as safe ones, and checks that the types are those of the header,
/// each by [`AsC`].
///
/// A wrapper of an inline function needs its `link_name`.
///
/// # Safety
///
/// Anybody may call such a function, from where it can be seen, with any values of the types of its
/// arguments. What it gives back must be a value of its type, for as long as that says.
macro_rules! c_functions {
    (unsafe extern "C" {$(
        $(#[$attr:meta])*
        safe fn $name:ident $(<$life:lifetime>)? ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?;
    )*}) => {
        // What is behind a reference is not passed.
        #[allow(improper_ctypes)]
        unsafe extern "C" {
            $(
                $(#[$attr])*
                pub(in crate::dma_buf) safe fn $name $(<$life>)? ($($arg: $ty),*) $(-> $ret)?;
            )*
        }

        #[allow(dead_code, clippy::extra_unused_lifetimes)]
        const _: () = {
            use $crate::dma_buf::dma_fence::declare::AsC;

            $(
                fn $name $(<$life>)? () {
                    let _: unsafe extern "C" fn($(<$ty as AsC>::C),*) $(-> <$ret as AsC>::C)? =
                        $crate::bindings::$name;
                }
            )*
        };
    };
}

pub(in crate::dma_buf) use {
    as_c,
    c_functions, //
};
