// SPDX-License-Identifier: GPL-2.0

//! The mount of the pseudo file system: for ever if built in, and in a module as long as there is a
//! file or may be one, since a mount keeps the module of its file system from being unloaded.
//!
//! That covers all code that runs for a file: the VFS drops the file's own reference to the mount
//! after its last call into the file system, and so does who looks at a path in `/proc`.

use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

pub(crate) use form::{
    exit,
    init, //
};

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

    pub(crate) fn exit() {}

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
///
/// Mounting costs more than a small buffer, so the mount is kept when the last file goes, until a
/// module is unloaded: while there are none that use this one, there are no buffers either, and it
/// can be unloaded, too.
#[cfg(MODULE)]
mod form {
    use super::*;
    use core::ptr;
    use kernel::{
        error::to_result,
        sync::atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        types::Opaque,
    };

    /// What `simple_pin_fs()` and `simple_release_fs()` count the references in, under a lock of
    /// theirs.
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

    /// Whether there is a reference beside those of the files.
    static KEPT: Atomic<bool> = Atomic::new(false);

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
        // SAFETY: The block is complete, and stays until `exit`.
        to_result(unsafe { bindings::register_module_notifier(NOTIFIER.0.get()) })
    }

    /// Undoes [`init`]. Called once, when there is no file and nobody can make one.
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
        if state == bindings::module_state_MODULE_STATE_GOING as c_ulong && KEPT.xchg(false, Full) {
            // SAFETY: The reference was there before `KEPT` said so. A module that runs a notifier
            // is not unloaded.
            unsafe { put() };
        }
        bindings::NOTIFY_DONE as c_int
    }

    /// Fails with `ENOMEM`.
    fn pin(fs_type: *mut bindings::file_system_type) -> Result {
        // SAFETY: The type is complete and static, the counters are for these functions only.
        to_result(unsafe {
            bindings::simple_pin_fs(fs_type, PINNED.mount.get(), PINNED.count.get())
        })
    }

    pub(super) fn get(
        fs_type: *mut bindings::file_system_type,
    ) -> Result<NonNull<bindings::vfsmount>> {
        pin(fs_type)?;
        // Nobody may give back the second reference before it is there.
        if !KEPT.load(Relaxed) && pin(fs_type).is_ok() && KEPT.xchg(true, Full) {
            // SAFETY: Somebody else was faster; this is ours.
            unsafe { put() };
        }

        // SAFETY: It does not change while it is pinned.
        NonNull::new(unsafe { PINNED.mount.get().read() }).ok_or(ENODEV)
    }

    /// # Safety
    ///
    /// Called once after each successful [`pin`].
    pub(super) unsafe fn put() {
        // SAFETY: By the caller's guarantee.
        unsafe { bindings::simple_release_fs(PINNED.mount.get(), PINNED.count.get()) };
    }
}
