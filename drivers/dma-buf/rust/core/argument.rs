// SPDX-License-Identifier: GPL-2.0

//! Arguments of ioctls.

use kernel::{
    prelude::*,
    transmute,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// An argument that is read and written as a whole.
pub(crate) trait Argument: Sized {
    /// As many bytes: their number is known where they are copied.
    type Bytes: transmute::FromBytes + transmute::AsBytes;

    fn from_bytes(bytes: Self::Bytes) -> Self;
    fn bytes(&self) -> &Self::Bytes;

    /// Fails with `EFAULT`.
    #[inline(always)]
    fn read(ptr: UserPtr) -> Result<Self> {
        let slice = UserSlice::new(ptr, size_of::<Self>());

        slice.reader().read().map(Self::from_bytes)
    }

    /// Fails with `EFAULT`.
    #[inline(always)]
    fn write(&self, ptr: UserPtr) -> Result {
        let slice = UserSlice::new(ptr, size_of::<Self>());

        slice.writer().write(self.bytes())
    }
}

/// Defines an argument that is C's, under whatever names that has it, field by field.
macro_rules! argument {
    ($(#[$attr:meta])* struct $ours:ident = [$($theirs:ident),+] $fields:tt) => {
        $(#[$attr])*
        #[repr(C)]
        #[derive(Default, FromBytes, zerocopy_derive::Immutable, IntoBytes)]
        struct $ours $fields

        impl $crate::argument::Argument for $ours {
            type Bytes = [u8; size_of::<Self>()];

            #[inline(always)]
            fn from_bytes(bytes: Self::Bytes) -> Self {
                zerocopy::transmute!(bytes)
            }

            #[inline(always)]
            fn bytes(&self) -> &Self::Bytes {
                zerocopy::transmute_ref!(self)
            }
        }

        $(argument!(@same $ours, $theirs, $fields);)+
    };
    (@same $ours:ident, $theirs:ident, { $($field:ident: $ty:ty,)* }) => {
        kernel::same_layout!($ours, bindings::$theirs $(, $field)*);
    };
}
pub(crate) use argument;
