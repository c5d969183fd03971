// SPDX-License-Identifier: GPL-2.0

//! The mount of the pseudo file system: for ever if built in, and in a module as long as there is a
//! file, since a mount keeps the module of its file system from being unloaded.
//!
//! That covers all code that runs for a file: the VFS drops the file's own reference to the mount
//! after its last call into the file system, and so does who looks at a path in `/proc`.

use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

pub(crate) use form::init;

/// A reference to the mount, taken for one file.
///
/// # Invariants
///
/// The file system is mounted at the pointer until this object is dropped.
pub(crate) struct Mount(NonNull<bindings::vfsmount>);

impl Mount {
    /// Fails with `ENOMEM`, or `ENODEV` before [`init`]. Sleeps.
    pub(crate) fn get(fs_type: *mut bindings::file_system_type) -> Result<Self> {
        // INVARIANT: `form::get` takes a reference.
        form::get(fs_type).map(Self)
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::vfsmount {
        self.0.as_ptr()
    }

    /// Drops the reference of a [`Mount`] that was forgotten.
    ///
    /// # Safety
    ///
    /// Called once for each. Somebody else keeps the file system mounted until the caller has left
    /// its module.
    pub(crate) unsafe fn put() {
        // SAFETY: By the caller's guarantee.
        unsafe { form::put() };
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; the caller, who exports a buffer, keeps this module.
        unsafe { form::put() };
    }
}

/// Built in.
#[cfg(not(MODULE))]
mod form {
    use super::*;
    use kernel::{
        error::from_err_ptr,
        sync::SetOnce, //
    };

    /// # Invariants
    ///
    /// Stays mounted for ever.
    #[derive(Clone, Copy)]
    struct Kept(NonNull<bindings::vfsmount>);

    // SAFETY: A mount is not tied to a thread.
    unsafe impl Send for Kept {}

    // SAFETY: A mount does its own locking.
    unsafe impl Sync for Kept {}

    static MOUNT: SetOnce<Kept> = SetOnce::new();

    /// Mounts the file system. Fails with `ENOMEM`.
    ///
    /// # Safety
    ///
    /// Called once, with a complete and static type.
    pub(crate) unsafe fn init(fs_type: *mut bindings::file_system_type) -> Result {
        // SAFETY: By the caller's guarantee.
        let mount = from_err_ptr(unsafe { bindings::kern_mount(fs_type) })?;

        // INVARIANT: Nobody unmounts it.
        MOUNT.populate(Kept(NonNull::new(mount).ok_or(ENOMEM)?));
        Ok(())
    }

    pub(super) fn get(
        _fs_type: *mut bindings::file_system_type,
    ) -> Result<NonNull<bindings::vfsmount>> {
        Ok(MOUNT.copy().ok_or(ENODEV)?.0)
    }

    /// # Safety
    ///
    /// None; the signature is that of the other form.
    pub(super) unsafe fn put() {}
}

/// A module.
#[cfg(MODULE)]
mod form {
    use super::*;
    use core::ptr;
    use kernel::{
        error::to_result,
        types::Opaque, //
    };

    /// What `simple_pin_fs()` and `simple_release_fs()` count the files in, under a lock of theirs.
    struct Pinned {
        mount: Opaque<*mut bindings::vfsmount>,
        count: Opaque<c_int>,
    }

    // SAFETY: Only the two functions access it.
    unsafe impl Sync for Pinned {}

    static PINNED: Pinned = Pinned {
        mount: Opaque::new(ptr::null_mut()),
        count: Opaque::new(0),
    };

    /// There is nothing to be done before the first file.
    ///
    /// # Safety
    ///
    /// None; the signature is that of the other form.
    pub(crate) unsafe fn init(_fs_type: *mut bindings::file_system_type) -> Result {
        Ok(())
    }

    pub(super) fn get(
        fs_type: *mut bindings::file_system_type,
    ) -> Result<NonNull<bindings::vfsmount>> {
        // SAFETY: The type is complete and static, the counters are for these functions only.
        to_result(unsafe {
            bindings::simple_pin_fs(fs_type, PINNED.mount.get(), PINNED.count.get())
        })?;

        // SAFETY: It does not change while it is pinned.
        NonNull::new(unsafe { PINNED.mount.get().read() }).ok_or(ENODEV)
    }

    /// # Safety
    ///
    /// Called once after each successful [`get`].
    pub(super) unsafe fn put() {
        // SAFETY: By the caller's guarantee.
        unsafe { bindings::simple_release_fs(PINNED.mount.get(), PINNED.count.get()) };
    }
}
