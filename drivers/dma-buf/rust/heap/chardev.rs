// SPDX-License-Identifier: GPL-2.0

//! The character devices of the heaps: `/dev/dma_heap/NAME`, class `dma_heap`.
//!
//! One registration covers the minors of all heaps; [`registry`] knows which of them are taken.

use crate::{
    heap::{
        Heap,
        OpenHeap, //
    },
    ioctl,
    registry::{
        self,
        MAX_HEAPS, //
    }, //
};
use kernel::{
    bindings,
    device::Device,
    error::{
        from_err_ptr,
        from_result,
        to_result, //
    },
    prelude::*,
    sync::SetOnce,
    uaccess::UserPtr,
};

/// Of the class, and of the major in `/proc/devices`.
const NAME: &CStr = c"dma_heap";

/// Tables that C code keeps pointers to.
struct Tables {
    class: bindings::class,
    fops: bindings::file_operations,
}

// SAFETY: The tables are constant.
unsafe impl Sync for Tables {}

static TABLES: Tables = Tables {
    class: bindings::class {
        name: kernel::str::as_char_ptr_in_const_context(NAME),
        devnode: Some(devnode),
        ..pin_init::zeroed()
    },
    fops: bindings::file_operations {
        #[cfg(MODULE)]
        owner: (&raw const bindings::__this_module).cast_mut(),
        open: Some(open),
        release: Some(release),
        unlocked_ioctl: Some(ioctl),
        compat_ioctl: bindings::compat_ptr_ioctl,
        ..pin_init::zeroed()
    },
};

/// The registered range of character devices, and the class.
///
/// # Invariants
///
/// The class is registered, and `major` has [`MAX_HEAPS`] minors, from 0, that are ours.
pub(crate) struct Chardev {
    major: u32,
}

static CHARDEV: SetOnce<Chardev> = SetOnce::new();

/// Registers the class and the minors. Called once. Sleeps.
///
/// Fails with `ENOMEM`, or `EBUSY` if all majors are taken. [`get`] gives nothing then.
pub(crate) fn init() -> Result {
    // SAFETY: The class is static and complete.
    to_result(unsafe { bindings::class_register(&TABLES.class) })?;

    // SAFETY: Name and operations are static. The VFS may call the latter from here on.
    let major = unsafe {
        bindings::__register_chrdev(0, 0, MAX_HEAPS as u32, NAME.as_char_ptr(), &TABLES.fops)
    };

    match u32::try_from(major) {
        Ok(major) => {
            // INVARIANT: Both registered just above.
            CHARDEV.populate(Chardev { major });
            Ok(())
        }
        Err(_) => {
            // SAFETY: Registered above, and no device is in it.
            unsafe { bindings::class_unregister(&TABLES.class) };
            Err(Error::from_errno(major))
        }
    }
}

/// Undoes [`init`]. Sleeps.
///
/// # Safety
///
/// There must be no heap, and nobody may add one any more.
pub(crate) unsafe fn exit() {
    if let Some(chardev) = get() {
        // SAFETY: Both were registered by `init`. There are no devices, since there are no heaps,
        // and no open files, since those keep this module.
        unsafe {
            bindings::__unregister_chrdev(chardev.major, 0, MAX_HEAPS as u32, NAME.as_char_ptr());
            bindings::class_unregister(&TABLES.class);
        }
    }
}

/// What [`init`] registered.
pub(crate) fn get() -> Option<&'static Chardev> {
    CHARDEV.as_ref()
}

impl Chardev {
    /// Creates the device of a heap, so that user space learns of it.
    ///
    /// `minor` must be less than [`MAX_HEAPS`]. Fails with `ENOMEM`, among others. Sleeps.
    pub(crate) fn create_device(&self, minor: u32, name: &CStr) -> Result {
        // SAFETY: By the type invariant the class is registered. No driver data is kept, no parent
        // is needed, and the format takes one string.
        from_err_ptr(unsafe {
            bindings::device_create(
                &TABLES.class,
                core::ptr::null_mut(),
                self.number(minor),
                core::ptr::null_mut(),
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        })?;
        Ok(())
    }

    /// Removes the device of a heap. Sleeps.
    pub(crate) fn destroy_device(&self, minor: u32) {
        // SAFETY: By the type invariant the class is registered.
        unsafe { bindings::device_destroy(&TABLES.class, self.number(minor)) };
    }

    fn number(&self, minor: u32) -> bindings::dev_t {
        (self.major << bindings::MINORBITS) | minor
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
    // SAFETY: The caller's guarantee.
    let dev: &Device = unsafe { Device::from_raw(dev.cast_mut()) };

    // SAFETY: The format takes one string. The driver core frees the result, and copes with NULL.
    unsafe {
        bindings::kasprintf(
            bindings::GFP_KERNEL,
            c"dma_heap/%s".as_char_ptr(),
            dev.name().as_char_ptr(),
        )
    }
}

/// Fails as [`registry::open`] does.
///
/// # Safety
///
/// Called by the VFS with a file that is being opened.
unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    from_result(|| {
        // SAFETY: The inode is valid, and the number of its device does not change.
        let minor = unsafe { (*inode).i_rdev } & bindings::MINORMASK;
        let heap = registry::open(minor as usize)?;

        // SAFETY: The file is ours while it is being opened. `release` takes the heap back.
        Ok(unsafe {
            (*file).private_data = heap.into_raw().cast_mut().cast();
            bindings::nonseekable_open(inode, file)
        })
    })
}

/// # Safety
///
/// Called by the VFS, once, when nobody uses the file any more.
unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    // SAFETY: `open` put it there, and nothing borrows it any more.
    drop(unsafe { OpenHeap::from_raw((*file).private_data.cast()) });
    0
}

/// # Safety
///
/// Called by the VFS with an open file.
unsafe extern "C" fn ioctl(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
    // SAFETY: `open` put a reference there, which stays until `release`.
    let heap = unsafe { Heap::from_raw((*file).private_data.cast()) };

    match ioctl::dispatch(heap, cmd, UserPtr::from_addr(arg)) {
        Ok(()) => 0,
        Err(err) => err.to_errno() as c_long,
    }
}
