// SPDX-License-Identifier: GPL-2.0

//! Functions for C with the types of Rust.
//!
//! Where Rust implements a function that a C header declares, the header says what C passes and
//! what it expects, in words. Here types say it: each stands for one such sentence, is written down
//! with it once, and [`exports!`](crate::exports) makes the function that C sees.

mod from_c;
mod into_c;
mod plain;
mod wrapper;

pub use self::{
    from_c::{
        AsC,
        FromC,
        Function,
        InOut,
        Out, //
    },
    into_c::IntoC,
    wrapper::Wrapper, //
};

/// Makes functions that a C header declares.
///
/// Each argument is an implementation of [`FromC`], and the result one of [`IntoC`]. As with
/// `#[export]`, which this uses, a function that differs from its declaration does not
/// compile. The body is that of a safe function, whose arguments it may change.
///
/// # Examples
///
/// ```ignore
/// exports! {
///     /// Declared in `include/linux/dma-buf.h`.
///     fn dma_buf_begin_cpu_access(buf: Result<&DmaBuf>, dir: dma_data_direction) -> Result {
///         cpu_access::begin(buf?, dir)
///     }
/// }
/// ```
#[macro_export]
macro_rules! exports {
    ($(
        $(#[$attr:meta])*
        fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )*) => {$(
        $crate::typed_function! {
            $(#[$attr])*
            #[$crate::macros::export]
            pub(crate) fn $name($($arg: $ty),*) $(-> $ret)? $body
        }
    )*};
}

/// Makes functions for the tables of C: as [`exports!`](crate::exports), but without a name there.
///
/// A function may have one type parameter.
///
/// # Examples
///
/// ```ignore
/// callbacks! {
///     /// Called for a container of this type.
///     fn is_signaled<T: Container>(fence: &Fence) -> bool {
///         T::of(fence).is_some_and(T::is_signaled)
///     }
/// }
/// ```
#[macro_export]
macro_rules! callbacks {
    ($(
        $(#[$attr:meta])*
        fn $name:ident $(<$param:ident: $bound:path>)?($($arg:ident: $ty:ty),* $(,)?)
            $(-> $ret:ty)? $body:block
    )*) => {$(
        $crate::typed_function! {
            $(#[$attr])*
            fn $name $(<$param: $bound>)?($($arg: $ty),*) $(-> $ret)? $body
        }
    )*};
}

/// Makes one function, for [`exports!`](crate::exports) and [`callbacks!`](crate::callbacks).
#[doc(hidden)]
#[macro_export]
macro_rules! typed_function {
    (
        $(#[$attr:meta])*
        $vis:vis fn $name:ident $(<$param:ident: $bound:path>)?($($arg:ident: $ty:ty),*)
            $(-> $ret:ty)? $body:block
    ) => {
        $(#[$attr])*
        ///
        /// # Safety
        ///
        /// What is passed must be what the types of the arguments ask for, see
        /// [`FromC`]($crate::interop::export::FromC).
        $vis unsafe extern "C" fn $name $(<$param: $bound>)?(
            $($arg: <$ty as $crate::interop::export::FromC>::C),*
        ) $(-> <$ret as $crate::interop::export::IntoC>::C)? {
            // With lifetimes of its own, so that it keeps nothing that C passes.
            #[allow(unused_mut)]
            #[inline(always)]
            fn body $(<$param: $bound>)?($(mut $arg: $ty),*) $(-> $ret)? $body

            $(
                // SAFETY: By this function's contract, and `body` returns before it does.
                let $arg = unsafe { <$ty as $crate::interop::export::FromC>::from_c($arg) };
            )*
            $crate::interop::export::IntoC::into_c(body $(::<$param>)?($($arg),*))
        }
    };
}
