// SPDX-License-Identifier: GPL-2.0

//! Tables of functions in C that others have filled in.

use core::marker::PhantomData;
use kernel::interop::export::Wrapper;

/// A valid object, as an argument of a function in C. Who calls that sees to what `State` names.
///
/// For kCFI, too, it is the pointer that C has there: a reference, or a pointer to a type of ours,
/// is something else.
#[repr(transparent)]
pub(crate) struct Arg<'a, C, State = Any>(*mut C, PhantomData<(&'a C, State)>);

/// Nothing more than that it is valid.
pub(crate) enum Any {}

/// The object, or its buffer, is locked.
pub(crate) enum Held {}

/// Nobody else has the object, and nobody uses it again.
pub(crate) enum Given {}

pub(crate) type ArgHeld<'a, C> = Arg<'a, C, Held>;
pub(crate) type ArgGiven<'a, C> = Arg<'a, C, Given>;

impl<'a, T: Wrapper, State> From<&'a T> for Arg<'a, T::C, State> {
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
/// that they are the functions of the table in C.
///
/// What is in it has a method of its name, which shows others an operation that they cannot call:
/// what it has inside is for those whom the type after `of` shows it to.
macro_rules! table {
    (
        $(#[$attr:meta])*
        $vis:vis struct $name:ident: $c:ident of $operation:ident {
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
            $($op: Option<
                $operation<extern "C" fn($($arg<'_, $arg_ty>,)* $($($value),+)?) $(-> $ret)?>,
            >,)*
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
                ) -> Option<
                    &$operation<extern "C" fn($($arg<'_, $arg_ty>,)* $($($value),+)?) $(-> $ret)?>,
                > {
                    self.$op.as_ref()
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
