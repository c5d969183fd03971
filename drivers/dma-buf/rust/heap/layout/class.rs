// SPDX-License-Identifier: GPL-2.0

//! The character devices of the heaps: `/dev/dma_heap/NAME`, class `dma_heap`.
//!
//! One registration covers the minors of all heaps.

use crate::heap::Heap;
use kernel::{
    bindings,
    device::Device,
    error::{
        from_err_ptr,
        to_result, //
    },
    fs::operations::Openable,
    interop::object::Constant,
    prelude::*, //
};

/// The name of the class, and of the major in `/proc/devices`.
const NAME: &CStr = c"dma_heap";

static CLASS: Constant<bindings::class> = Constant::new(bindings::class {
    name: kernel::str::as_char_ptr_in_const_context(NAME),
    devnode: Some(devnode),
    ..pin_init::zeroed()
});

/// The registered class, and a range of character devices for it.
///
/// # Invariants
///
/// The class is registered, and `major` has `minors` minors, from 0, that are ours.
pub(crate) struct Registered {
    major: u32,
    minors: u32,
}

impl Registered {
    /// Registers the class and `minors` minors, whose files will have the operations `files`.
    /// Called once. Sleeps.
    ///
    /// Fails with `ENOMEM`, or `EBUSY` if all majors are taken.
    #[inline]
    pub(crate) fn new(minors: u32, files: Openable) -> Result<Self> {
        // SAFETY: Class, name and operations are static. The VFS may call the latter before this is
        // over. If that fails there is no device in the class.
        let major = unsafe {
            to_result(bindings::class_register(CLASS.as_ptr()))?;
            let major =
                bindings::__register_chrdev(0, 0, minors, NAME.as_char_ptr(), files.as_ptr());
            if major < 0 {
                bindings::class_unregister(CLASS.as_ptr());
            }
            major
        };

        // INVARIANT: Both registered just above.
        u32::try_from(major)
            .map(|major| Self { major, minors })
            .map_err(|_| Error::from_errno(major))
    }

    fn number(&self, minor: u32) -> bindings::dev_t {
        (self.major << bindings::MINORBITS) | minor
    }

    /// Creates the device of a heap, so that user space learns of it. `minor` is one of ours. The
    /// heap stays until the device is [destroyed](Self::destroy_device).
    ///
    /// Fails with `ENOMEM`, among others. Sleeps.
    pub(crate) fn create_device(&self, minor: u32, heap: &Heap) -> Result {
        // SAFETY: By the type invariant the class is registered. No parent is needed, and the
        // format takes one string. The groups are those that the heap was added with, and stay as
        // long as it. Their functions are called with this device, whose data is the heap's.
        from_err_ptr(unsafe {
            bindings::device_create_with_groups(
                CLASS.as_ptr(),
                core::ptr::null_mut(),
                self.number(minor),
                heap.data(),
                heap.groups().as_ptr(),
                c"%s".as_char_ptr(),
                heap.name().as_char_ptr(),
            )
        })?;
        Ok(())
    }

    /// Removes a device, if it is there. Sleeps.
    #[inline]
    pub(crate) fn destroy_device(&self, minor: u32) {
        // SAFETY: By the type invariant the class is registered.
        unsafe { bindings::device_destroy(CLASS.as_ptr(), self.number(minor)) };
    }
}

impl Drop for Registered {
    /// Removes what devices there are, too. Sleeps.
    #[inline(never)]
    fn drop(&mut self) {
        for minor in 0..self.minors {
            self.destroy_device(minor);
        }
        // SAFETY: By the type invariant both are registered, and there is no device any more.
        unsafe {
            bindings::__unregister_chrdev(self.major, 0, self.minors, NAME.as_char_ptr());
            bindings::class_unregister(CLASS.as_ptr());
        }
    }
}

/// Puts the nodes into a directory of their own.
///
/// # Safety
///
/// Called by the driver core with a device of the class.
unsafe extern "C" fn devnode(
    dev: *const bindings::device,
    _mode: *mut bindings::umode_t,
) -> *mut c_char {
    // SAFETY: The device is valid, and the format takes one string. The driver core frees the
    // result, and copes with NULL.
    unsafe {
        bindings::kasprintf(
            bindings::GFP_KERNEL,
            c"dma_heap/%s".as_char_ptr(),
            <Device>::from_raw(dev.cast_mut()).name().as_char_ptr(),
        )
    }
}
