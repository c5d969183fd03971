// SPDX-License-Identifier: GPL-2.0

//! Functions for C with the types of Rust.
//!
//! Where Rust implements a function that a C header declares, the header says what C passes and
//! what it expects, in words. Here types say it: each stands for one such sentence, is written down
//! with it once, and [`exports!`](crate::exports) makes the function that C sees.

use crate::{
    bindings,
    mm::virt::VmaNew,
    prelude::*,
    seq_file::SeqFile,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    warn_on, //
};
use core::{
    marker::PhantomData,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::{
        self,
        NonNull, //
    }, //
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

/// What an exported function returns.
pub trait IntoC {
    /// What C gets.
    type C;

    /// Makes what C gets of a result.
    fn into_c(self) -> Self::C;
}

/// A type for which C has another name.
///
/// # Safety
///
/// A pointer to the one must be a pointer to the other, both ways.
pub unsafe trait Wrapper {
    /// What C calls it.
    type C;

    /// The pointer that C knows.
    #[inline(always)]
    fn as_c(&self) -> *mut Self::C {
        ptr::from_ref(self).cast_mut().cast()
    }
}

// SAFETY: Transparent.
unsafe impl Wrapper for VmaNew {
    type C = bindings::vm_area_struct;
}

// SAFETY: Transparent, but for what has no size.
unsafe impl Wrapper for SeqFile {
    type C = bindings::seq_file;
}

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
impl<T: Wrapper> FromC for &T {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above, and `Wrapper`'s.
        unsafe { &*value.cast() }
    }
}

/// A valid object, or NULL.
impl<T: Wrapper> FromC for Option<&T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above, and `Wrapper`'s.
        unsafe { value.cast::<T>().as_ref() }
    }
}

/// A valid object. NULL, which the caller should not pass, is `EINVAL` and a warning.
impl<T: Wrapper> FromC for Result<&T> {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above.
        let object = unsafe { Option::from_c(value) };

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

/// A pointer that is not NULL. Who uses it argues for that.
impl<T> FromC for NonNull<T> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        // SAFETY: By the contract above.
        unsafe { NonNull::new_unchecked(value) }
    }
}

/// A pointer, or NULL. Who uses it argues for that.
impl<T> FromC for Option<NonNull<T>> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        NonNull::new(value)
    }
}

/// A structure that the function reads: valid, and nobody changes it.
pub struct In<'a, T>(&'a T);

impl<T> Deref for In<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.0
    }
}

impl<T> FromC for In<'_, T> {
    type C = *const T;

    #[inline(always)]
    unsafe fn from_c(value: *const T) -> Self {
        // SAFETY: By the contract of the type.
        Self(unsafe { &*value })
    }
}

/// Where the function leaves something for its caller: valid for a write, and nobody else's.
///
/// # Invariants
///
/// As that says.
pub struct Out<'a, T>(NonNull<T>, PhantomData<&'a mut T>);

impl<T> Out<'_, T> {
    /// Leaves `value` there. What was there is not dropped.
    #[inline(always)]
    pub fn put(&mut self, value: T) {
        // SAFETY: By the type invariant.
        unsafe { self.0.write(value) };
    }
}

impl<T> FromC for Out<'_, T> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        // INVARIANT: The contract of the type.
        // SAFETY: What is valid is not NULL.
        Self(unsafe { NonNull::new_unchecked(value) }, PhantomData)
    }
}

/// As without `Option`, or NULL.
impl<T> FromC for Option<Out<'_, T>> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        // INVARIANT: The contract of the type.
        NonNull::new(value).map(|place| Out(place, PhantomData))
    }
}

/// A structure that the function changes: valid, initialised, and nobody else accesses it.
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

impl<T> FromC for InOut<'_, T> {
    type C = *mut T;

    #[inline(always)]
    unsafe fn from_c(value: *mut T) -> Self {
        // SAFETY: By the contract of the type.
        Self(unsafe { &mut *value })
    }
}

/// A valid object that nobody else accesses.
impl<T: Wrapper> FromC for &mut T {
    type C = *mut T::C;

    #[inline(always)]
    unsafe fn from_c(value: *mut T::C) -> Self {
        // SAFETY: By the contract above, and `Wrapper`'s.
        unsafe { &mut *value.cast() }
    }
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

/// Makes functions that a C header declares.
///
/// Each argument is an implementation of [`FromC`], and the result one of [`IntoC`]. As with
/// [`#[export]`](export), which this uses, a function that differs from its declaration does not
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
        $(#[$attr])*
        ///
        /// # Safety
        ///
        /// What is passed must be what the types of the arguments ask for, see
        /// [`FromC`]($crate::interop::export::FromC).
        #[$crate::macros::export]
        pub(crate) unsafe extern "C" fn $name(
            $($arg: <$ty as $crate::interop::export::FromC>::C),*
        ) $(-> <$ret as $crate::interop::export::IntoC>::C)? {
            // With lifetimes of its own, so that it keeps nothing that C passes.
            #[allow(unused_mut)]
            #[inline(always)]
            fn body($(mut $arg: $ty),*) $(-> $ret)? $body

            $(
                // SAFETY: By this function's contract, and `body` returns before it does.
                let $arg = unsafe { <$ty as $crate::interop::export::FromC>::from_c($arg) };
            )*
            $crate::interop::export::IntoC::into_c(body($($arg),*))
        }
    )*};
}
