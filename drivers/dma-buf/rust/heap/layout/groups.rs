// SPDX-License-Identifier: GPL-2.0

//! What a driver has in sysfs of its heap.

use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings,
    interop::any_thread::AnyThread, //
};

/// The groups of files that a heap's device has in sysfs, or none: a list as that of
/// `device_create_with_groups()`. It is only a pointer.
#[derive(Clone, Copy)]
pub(crate) struct Groups(Option<AnyThread<*const bindings::attribute_group>>);

impl Groups {
    /// No files.
    pub(crate) const NONE: Self = Self(None);

    /// The list, or NULL.
    pub(crate) fn as_ptr(self) -> *mut *const bindings::attribute_group {
        self.0.map_or(ptr::null_mut(), AnyThread::as_ptr)
    }
}

impl From<*mut *const bindings::attribute_group> for Groups {
    fn from(list: *mut *const bindings::attribute_group) -> Self {
        Self(NonNull::new(list).map(AnyThread::new))
    }
}
