// SPDX-License-Identifier: GPL-2.0

//! C functions with the types of Rust.

/// Declares functions of the C API as safe ones.
///
/// To bindgen an object is a pointer, so that each call has to be argued for. Where all that a
/// function asks of its arguments is what their types promise in Rust, it is declared once more,
/// with these types. That it is the same function is checked against what bindgen says: each type
/// is an [`AsC`](crate::interop::export::AsC).
///
/// A wrapper of an inline function needs its `link_name`.
///
/// # Safety
///
/// Anybody may call such a function, from where it can be seen, with any values of the types of its
/// arguments. What it gives back must be a value of its type, for as long as that says.
///
/// # Examples
///
/// ```ignore
/// c_functions! {
///     // SAFETY: Any number may be asked for.
///     unsafe extern "C" {
///         safe fn dma_fence_context_alloc(num: c_uint) -> u64;
///     }
/// }
/// ```
#[macro_export]
macro_rules! c_functions {
    (unsafe extern "C" {$(
        $(#[$attr:meta])*
        $vis:vis safe fn $name:ident $(<$life:lifetime>)? ($($arg:ident: $ty:ty),* $(,)?)
            $(-> $ret:ty)?;
    )*}) => {
        // What is behind a reference is not passed.
        #[allow(improper_ctypes)]
        unsafe extern "C" {
            $(
                $(#[$attr])*
                $vis safe fn $name $(<$life>)? ($($arg: $ty),*) $(-> $ret)?;
            )*
        }

        #[allow(dead_code, clippy::extra_unused_lifetimes)]
        const _: () = {
            use $crate::interop::export::AsC;

            $(
                fn $name $(<$life>)? () {
                    let _: unsafe extern "C" fn($(<$ty as AsC>::C),*) $(-> <$ret as AsC>::C)? =
                        $crate::bindings::$name;
                }
            )*
        };
    };
}
