// SPDX-License-Identifier: GPL-2.0

//! Tables of functions in C that others have filled in.

use core::marker::PhantomData;
use kernel::interop::export::Wrapper;

/// A valid object, as an argument of a function in C.
///
/// For kCFI, too, it is the pointer that C has there: a reference, or a pointer to a type of ours,
/// is something else.
#[repr(transparent)]
pub(crate) struct Arg<'a, C>(*mut C, PhantomData<&'a C>);

impl<'a, T: Wrapper> From<&'a T> for Arg<'a, T::C> {
    #[inline(always)]
    fn from(object: &'a T) -> Self {
        Self(object.as_c(), PhantomData)
    }
}

/// A valid structure that nobody else accesses, as an argument of a function in C.
#[repr(transparent)]
pub(crate) struct ArgMut<'a, C>(*mut C, PhantomData<&'a mut C>);

impl<'a, C> From<&'a mut C> for ArgMut<'a, C> {
    #[inline(always)]
    fn from(object: &'a mut C) -> Self {
        Self(object, PhantomData)
    }
}

/// Makes a table of functions in C whose arguments say that they are valid. The compiler checks
/// that they are the functions of the table in C. Others may look at it only: what is in it has a
/// method of its name.
macro_rules! table {
    (
        $(#[$attr:meta])*
        $vis:vis struct $name:ident: $c:ident {
            $(let $data:ident: $data_ty:ty;)*
            $(
                $(#[$op_attr:meta])*
                fn $op:ident($($arg:ident<$arg_ty:ty>),* $(; $($value:ty),+)?) $(-> $ret:ty)?;
            )*
        }
    ) => {
        $(#[$attr])*
        #[repr(C)]
        $vis struct $name {
            $($data: $data_ty,)*
            $($op: Option<extern "C" fn($($arg<'_, $arg_ty>,)* $($($value),+)?) $(-> $ret)?>,)*
        }

        impl $name {
            $(
                #[inline(always)]
                $vis fn $data(&self) -> $data_ty {
                    self.$data
                }
            )*
            $(
                $(#[$op_attr])*
                #[inline(always)]
                $vis fn $op(
                    &self,
                ) -> Option<extern "C" fn($($arg<'_, $arg_ty>,)* $($($value),+)?) $(-> $ret)?> {
                    self.$op
                }
            )*
        }

        kernel::same_layout!($name, kernel::bindings::$c $(, $data)* $(, $op)*);

        $(const _: fn(
            kernel::bindings::$c,
        ) -> Option<
            unsafe extern "C" fn($(*mut $arg_ty,)* $($($value),+)?) $(-> $ret)?
        > = |ops| ops.$op;)*
    };
}
pub(crate) use table;
