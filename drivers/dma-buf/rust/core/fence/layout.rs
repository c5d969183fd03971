// SPDX-License-Identifier: GPL-2.0

//! What is in C's structures, with the types of Rust.
//!
//! A structure is declared again with fields of which each knows who may access it when. That both
//! are the same is checked where it is declared.

pub(super) mod callback;
pub(super) mod container;
pub(super) mod fence;
pub(super) mod lock;
pub(super) mod ops;
pub(super) mod reference;

/// Checks that a structure of ours is laid out as C's.
macro_rules! same_layout {
    ($ours:ty, $theirs:ty, $($field:ident: $their_field:ident),*) => {
        const _: () = {
            assert!(size_of::<$ours>() == size_of::<$theirs>());
            assert!(align_of::<$ours>() == align_of::<$theirs>());
            $(assert!(
                core::mem::offset_of!($ours, $field)
                    == core::mem::offset_of!($theirs, $their_field)
            );)*
        };
    };
}
pub(super) use same_layout;
