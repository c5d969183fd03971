// SPDX-License-Identifier: GPL-2.0

//! Arguments and answers of ioctls.

use crate::{
    bindings,
    interop::export::IntoC,
    prelude::*,
    transmute,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};
use core::ptr;

/// An argument that is read and written as a whole. [`argument!`](crate::argument) defines it.
pub trait Argument: Default {
    /// As many bytes: their number is known where they are copied.
    type Bytes: transmute::FromBytes + transmute::AsBytes;

    /// What is to be written.
    fn bytes(&self) -> &Self::Bytes;

    /// Where what is read goes to.
    fn bytes_mut(&mut self) -> &mut Self::Bytes;

    /// Reads it from user space. Fails with `EFAULT`. May sleep.
    #[inline(always)]
    fn read(ptr: UserPtr) -> Result<Self> {
        let mut arg = Self::default();

        arg.fill(ptr)?;
        Ok(arg)
    }

    /// As [`read`](Self::read), for what is too large to be moved around. Some of it may have been
    /// read on failure.
    #[inline(always)]
    fn fill(&mut self, ptr: UserPtr) -> Result {
        let bytes = ptr::from_mut(self.bytes_mut()).cast();
        let size = size_of::<Self::Bytes>();

        // SAFETY: They are borrowed, as many as that, and may be anything.
        match unsafe { bindings::copy_from_user(bytes, ptr.as_const_ptr(), size) } {
            0 => Ok(()),
            _ => Err(EFAULT),
        }
    }

    /// Writes it to user space. Fails with `EFAULT`. May sleep.
    #[inline(always)]
    fn write(&self, ptr: UserPtr) -> Result {
        let slice = UserSlice::new(ptr, size_of::<Self::Bytes>());

        slice.writer().write(self.bytes())
    }
}

/// What an ioctl returns: a number, or a negative error code. Made where the ioctl is carried out,
/// so that there is nothing to be done after it.
#[repr(transparent)]
pub struct Answer(isize);

impl Answer {
    /// What `f` says of a file's data and an argument. Each is a function that is gone on in, with
    /// nothing left to be done by who calls it: no command has the stack of another.
    #[inline(never)]
    pub fn of<T>(data: &T, arg: UserPtr, f: impl FnOnce(&T, UserPtr) -> Result) -> Self {
        f(data, arg).into()
    }
}

impl From<Result<isize>> for Answer {
    #[inline(always)]
    fn from(result: Result<isize>) -> Self {
        Self(result.into_c())
    }
}

impl From<Result> for Answer {
    #[inline(always)]
    fn from(result: Result) -> Self {
        result.map(|()| 0).into()
    }
}

impl From<Error> for Answer {
    #[inline(always)]
    fn from(err: Error) -> Self {
        Err::<(), _>(err).into()
    }
}

/// As it is.
impl IntoC for Answer {
    type C = isize;

    #[inline(always)]
    fn into_c(self) -> isize {
        self.0
    }
}

/// Defines an argument that is C's, under whatever names that has it, field by field.
///
/// # Examples
///
/// ```
/// use kernel::argument;
///
/// argument! {
///     struct Sync = [dma_buf_sync] {
///         flags: u64,
///     }
/// }
/// ```
#[macro_export]
macro_rules! argument {
    ($(#[$attr:meta])* struct $ours:ident = [$($theirs:ident),*] $fields:tt) => {
        $(#[$attr])*
        #[repr(C)]
        #[derive(Default, FromBytes, zerocopy_derive::Immutable, IntoBytes)]
        struct $ours $fields

        impl $crate::fs::argument::Argument for $ours {
            type Bytes = [u8; size_of::<Self>()];

            #[inline(always)]
            fn bytes(&self) -> &Self::Bytes {
                zerocopy::transmute_ref!(self)
            }

            #[inline(always)]
            fn bytes_mut(&mut self) -> &mut Self::Bytes {
                zerocopy::transmute_mut!(self)
            }
        }

        $($crate::argument!(@same $ours, $theirs, $fields);)*
    };
    (@same $ours:ident, $theirs:ident, {
        $($(#[$attr:meta])* $field:ident: $ty:ty,)*
    }) => {
        $crate::same_layout!($ours, $crate::bindings::$theirs $(, $field)*);
    };
}
