// SPDX-License-Identifier: GPL-2.0

//! What tells the files of one type from those of another.

use kernel::prelude::*;

#[kunit_tests(rust_dma_tables)]
mod tests {
    use kernel::{
        fs::{
            operations::{
                Operations,
                Table, //
            },
            show::{
                Show,
                ShowTable, //
            }, //
        },
        prelude::*,
        seq_file::SeqFile, //
    };

    /// Files that do the same, namely nothing.
    struct Idle<const N: usize>;

    #[vtable]
    impl<const N: usize> Operations for Idle<N> {
        type Data = Pin<KBox<u32>>;
    }

    #[vtable]
    impl<const N: usize> Show for Idle<N> {
        fn show(_m: &SeqFile) -> Result {
            Ok(())
        }
    }

    // What has the same contents may be at the same place, if it is constant.
    const ONE: &Table<Idle<1>> = &Table::new();
    const TWO: &Table<Idle<2>> = &Table::new();
    const SHOW_ONE: &ShowTable<Idle<1>> = &ShowTable::new();
    const SHOW_TWO: &ShowTable<Idle<2>> = &ShowTable::new();

    #[test]
    fn constants_of_two_types_are_two() {
        assert!(ONE.as_ptr() != TWO.as_ptr());
        assert!(SHOW_ONE.openable().as_ptr() != SHOW_TWO.openable().as_ptr());
    }
}
