// SPDX-License-Identifier: GPL-2.0

//! Structures that are C's under another name.

/// Checks, as it is compiled, that a structure is laid out as one in C: its size, its alignment,
/// and where the fields are that are named. One that has another name in C is followed by that, as
/// one is that is a part of another: `outer.inner: name`.
///
/// # Examples
///
/// ```
/// use kernel::{bindings, same_layout};
///
/// #[repr(C)]
/// struct Reference {
///     count: bindings::refcount_t,
/// }
///
/// same_layout!(Reference, bindings::kref, count: refcount);
/// ```
#[macro_export]
macro_rules! same_layout {
    (@field $ours:ty, $theirs:ty, ($field:ident)) => {
        $crate::same_layout!(@field $ours, $theirs, ($field), $field)
    };
    (@field $ours:ty, $theirs:ty, ($($field:tt)+), $their_field:ident) => {
        ::core::assert!(
            ::core::mem::offset_of!($ours, $($field)+)
                == ::core::mem::offset_of!($theirs, $their_field)
        )
    };
    ($ours:ty, $theirs:ty $(, $field:ident $(.$inner:ident)* $(: $their:ident)?)* $(,)?) => {
        const _: () = {
            ::core::assert!(::core::mem::size_of::<$ours>() == ::core::mem::size_of::<$theirs>());
            ::core::assert!(::core::mem::align_of::<$ours>() == ::core::mem::align_of::<$theirs>());
            $(
                $crate::same_layout!(@field $ours, $theirs, ($field $(.$inner)*) $(, $their)?);
            )*
        };
    };
}
