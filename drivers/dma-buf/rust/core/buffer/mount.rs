// SPDX-License-Identifier: GPL-2.0

//! The mount of the pseudo file system: for ever if built in, and in a module as long as there is a
//! file or may be one, since a mount keeps the module of its file system from being unloaded.
//!
//! The path of a file holds a reference to the mount. That covers all code that runs for a file:
//! the VFS drops it after its last call into the file system, and so does who looks at a path in
//! `/proc`.

use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

pub(crate) use form::{
    exit,
    init, //
};

/// A reference to the mount, taken to make one file.
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
}

impl Drop for Mount {
    fn drop(&mut self) {
        // SAFETY: `get` took it.
        unsafe { form::put(self.0) };
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

    pub(crate) fn exit() {}

    pub(super) fn get(
        _fs_type: *mut bindings::file_system_type,
    ) -> Result<NonNull<bindings::vfsmount>> {
        Ok(MOUNT.copy().ok_or(ENODEV)?.0)
    }

    /// # Safety
    ///
    /// None; the signature is that of the other form.
    pub(super) unsafe fn put(_mount: NonNull<bindings::vfsmount>) {}
}

/// A module.
///
/// Mounting costs more than a small buffer, so the mount is kept when the last file goes, until a
/// module is unloaded: while there are none that use this one, there are no buffers either, and it
/// can be unloaded, too. Files that are there then keep a mount of their own.
///
/// As long as it is kept it is a long-term one, whose references cost no lock.
#[cfg(MODULE)]
mod form {
    use super::*;
    use kernel::{
        error::{
            from_err_ptr,
            to_result, //
        },
        sync::global_lock,
        types::Opaque, //
    };

    /// The mount that is kept.
    ///
    /// # Invariants
    ///
    /// Made by `kern_mount()`, and unmounted by nobody but this object's drop.
    struct Kept(NonNull<bindings::vfsmount>);

    // SAFETY: A mount is not tied to a thread.
    unsafe impl Send for Kept {}

    impl Drop for Kept {
        fn drop(&mut self) {
            // SAFETY: By the type invariant. What has a reference of its own keeps the mount.
            unsafe { bindings::kern_unmount(self.0.as_ptr()) };
        }
    }

    global_lock! {
        // SAFETY: Initialised by `init()` before anything else uses it.
        unsafe(uninit) static MOUNT: Mutex<Option<Kept>> = None;
    }

    struct Notifier(Opaque<bindings::notifier_block>);

    // SAFETY: After its registration only the notifier chain accesses it.
    unsafe impl Sync for Notifier {}

    static NOTIFIER: Notifier = Notifier(Opaque::new(bindings::notifier_block {
        notifier_call: Some(module_changes),
        ..pin_init::zeroed()
    }));

    /// There is nothing to be mounted before the first file.
    ///
    /// # Safety
    ///
    /// Called once.
    pub(crate) unsafe fn init(_fs_type: *mut bindings::file_system_type) -> Result {
        // SAFETY: By the caller's guarantee; the block is complete, and stays until `exit`.
        unsafe {
            MOUNT.init();
            to_result(bindings::register_module_notifier(NOTIFIER.0.get()))
        }
    }

    /// Undoes [`init`]. Called once, when there is no file and nobody can make one: nothing is
    /// mounted, since that would keep this module.
    pub(crate) fn exit() {
        // SAFETY: `init` has registered it.
        unsafe { bindings::unregister_module_notifier(NOTIFIER.0.get()) };
    }

    /// # Safety
    ///
    /// Called by the notifier chain.
    unsafe extern "C" fn module_changes(
        _: *mut bindings::notifier_block,
        state: c_ulong,
        _: *mut c_void,
    ) -> c_int {
        if state == bindings::module_state_MODULE_STATE_GOING as c_ulong {
            let kept = MOUNT.lock().take();

            // A module that runs a notifier is not unloaded.
            drop(kept);
        }
        bindings::NOTIFY_DONE as c_int
    }

    /// Fails with `ENOMEM`.
    pub(super) fn get(
        fs_type: *mut bindings::file_system_type,
    ) -> Result<NonNull<bindings::vfsmount>> {
        let mut kept = MOUNT.lock();

        if kept.is_none() {
            // SAFETY: The type is complete and static.
            let mount = from_err_ptr(unsafe { bindings::kern_mount(fs_type) })?;

            // INVARIANT: Made just above.
            *kept = Some(Kept(NonNull::new(mount).ok_or(ENOMEM)?));
        }
        let mount = kept.as_ref().ok_or(ENODEV)?.0;
        // SAFETY: It is mounted as long as it is kept.
        unsafe { bindings::mntget(mount.as_ptr()) };
        Ok(mount)
    }

    /// # Safety
    ///
    /// Called once after each successful [`get`], with what that gave. Somebody keeps this module.
    pub(super) unsafe fn put(mount: NonNull<bindings::vfsmount>) {
        // SAFETY: By the caller's guarantee.
        unsafe { bindings::mntput(mount.as_ptr()) };
    }
}
