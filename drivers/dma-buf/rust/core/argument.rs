// SPDX-License-Identifier: GPL-2.0

//! Arguments of ioctls.

use kernel::{
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// An argument that is read and written as a whole.
pub(crate) trait Argument: FromBytes + IntoBytes {
    /// Fails with `EFAULT`.
    #[inline(always)]
    fn read(&mut self, ptr: UserPtr) -> Result {
        read(ptr, self.as_mut_bytes())
    }

    /// Fails with `EFAULT`.
    #[inline(always)]
    fn write(&mut self, ptr: UserPtr) -> Result {
        write(ptr, self.as_mut_bytes())
    }
}

impl<T: FromBytes + IntoBytes> Argument for T {}

fn read(ptr: UserPtr, bytes: &mut [u8]) -> Result {
    UserSlice::new(ptr, bytes.len()).reader().read_slice(bytes)
}

fn write(ptr: UserPtr, bytes: &[u8]) -> Result {
    UserSlice::new(ptr, bytes.len()).writer().write_slice(bytes)
}

/// Defines an argument that is C's, under whatever names that has it, field by field.
macro_rules! argument {
    ($(#[$attr:meta])* struct $ours:ident = [$($theirs:ident),+] $fields:tt) => {
        $(#[$attr])*
        #[repr(C)]
        #[derive(Default, FromBytes, IntoBytes)]
        struct $ours $fields

        $(argument!(@same $ours, $theirs, $fields);)+
    };
    (@same $ours:ident, $theirs:ident, { $($field:ident: $ty:ty,)* }) => {
        kernel::same_layout!($ours, bindings::$theirs $(, $field)*);
    };
}
pub(crate) use argument;
