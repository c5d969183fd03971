// SPDX-License-Identifier: GPL-2.0

//! Functions for C's tables of operations, made of functions with typed arguments.
//!
//! [`one`] to [`four`] take a function by their number of arguments. What C passes is said by the
//! type of each [`Arg`], what it is answered by [`IntoC`]. The types of the results are those of
//! the table, so that the compiler compares them with the C header.

use crate::{
    interop::export::IntoC,
    prelude::*, //
};
use core::{
    marker::PhantomData,
    mem::transmute_copy,
    ptr::NonNull, //
};

/// An argument, as C passes it and as the function has it.
///
/// # Safety
///
/// Both have the same size and the same meaning: a `Raw` may be transmuted to a `Typed`, where what
/// it stands for is valid as such.
pub(crate) unsafe trait Arg {
    /// What C passes.
    type Raw: Copy;
    /// What the function has, as long as it is called.
    type Typed<'a>;
}

/// A pointer to a `C` that the function sees as a `V`, together with others.
pub(crate) struct Ref<V, C>(PhantomData<(V, C)>);

// SAFETY: A reference is a pointer.
unsafe impl<V: 'static, C> Arg for Ref<V, C> {
    type Raw = *mut C;
    type Typed<'a> = &'a V;
}

/// A pointer to a `C` that only the function has meanwhile, as a `V`.
pub(crate) struct Mut<V, C>(PhantomData<(V, C)>);

// SAFETY: A reference is a pointer.
unsafe impl<V: 'static, C> Arg for Mut<V, C> {
    type Raw = *mut C;
    type Typed<'a> = &'a mut V;
}

/// A number, or a pointer that the function takes as it is.
pub(crate) struct Value<T>(PhantomData<T>);

// SAFETY: It is the same.
unsafe impl<T: Copy + 'static> Arg for Value<T> {
    type Raw = T;
    type Typed<'a> = T;
}

macro_rules! trampolines {
    ($($name:ident($($arg:ident: $A:ident),+);)+) => {$(
        /// The function for C that calls `f`. Who calls that sees to it that each argument is valid
        /// as the [`Arg::Typed`] of its type, as long as the call takes.
        pub(crate) const fn $name<$($A: Arg,)+ R: IntoC, F>(
            _f: F,
        ) -> unsafe extern "C" fn($($A::Raw),+) -> R::C
        where
            F: for<'a> Fn($($A::Typed<'a>),+) -> R + Copy + 'static,
        {
            /// # Safety
            ///
            /// As said above; and there must be an `F`.
            unsafe extern "C" fn call<$($A: Arg,)+ R: IntoC, F>($($arg: $A::Raw),+) -> R::C
            where
                F: for<'a> Fn($($A::Typed<'a>),+) -> R + Copy + 'static,
            {
                const {
                    assert!(size_of::<F>() == 0, "a function, or a closure that captures nothing");
                    $(assert!(size_of::<$A::Raw>() == size_of::<$A::Typed<'static>>());)+
                };

                // SAFETY: There is an `F`, which can be copied, and has no bytes to be read. The
                // arguments are valid as what they are transmuted to, for the time of the call.
                let (f, $($arg),+) = unsafe {
                    (NonNull::<F>::dangling().as_ref(), $(transmute_copy(&$arg)),+)
                };

                f($($arg),+).into_c()
            }

            call::<$($A,)+ R, F>
        }
    )+};
}

trampolines! {
    one(a: A);
    two(a: A, b: B);
    three(a: A, b: B, c: C);
    four(a: A, b: B, c: C, d: D);
}
