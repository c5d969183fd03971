// SPDX-License-Identifier: GPL-2.0

//! Warnings that are to come.

use kernel::bindings;

/// Calls `f`, and counts its warnings instead of printing them.
pub(crate) fn warnings_of<R>(f: impl FnOnce() -> R) -> (R, i32) {
    // SAFETY: A test is running in this task, and it is the only one to end this.
    unsafe {
        let test = bindings::kunit_get_current_test();
        let suppressed = bindings::kunit_start_suppress_warning(test);
        let result = f();
        let count = bindings::kunit_suppressed_warning_count(suppressed);

        bindings::kunit_end_suppress_warning(test, suppressed);
        (result, count)
    }
}
