// SPDX-License-Identifier: GPL-2.0

//! The mount of the pseudo file system: for ever if built in, and in a module as long as there is a
//! file or may be one, since a mount keeps the module of its file system from being unloaded.
//!
//! The path of a file holds a reference to the mount. That covers all code that runs for a file:
//! the VFS drops it after its last call into the file system, and so does who looks at a path in
//! `/proc`.

use super::layout::vfs::{
    Mount,
    Static, //
};
use core::ops::Deref;
use kernel::{
    bindings,
    prelude::*, //
};

#[cfg(MODULE)]
pub(super) use form::MOUNT;
pub(super) use form::{
    exit,
    get,
    init, //
};

/// What is to be mounted.
pub(super) type FileSystem = Static<bindings::file_system_type>;

/// Built in.
#[cfg(not(MODULE))]
mod form {
    use super::*;
    use kernel::sync::SetOnce;

    static MOUNT: SetOnce<Mount> = SetOnce::new();

    /// Mounts the file system. Fails with `ENOMEM`.
    pub(in crate::buffer) fn init(fs: &'static FileSystem) -> Result {
        MOUNT.populate(Mount::new(fs)?);
        Ok(())
    }

    pub(in crate::buffer) fn exit() {}

    /// The mount, to make a file in it. Fails with `ENODEV` before [`init`].
    pub(in crate::buffer) fn get(_fs: &'static FileSystem) -> Result<impl Deref<Target = Mount>> {
        MOUNT.as_ref().ok_or(ENODEV)
    }
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
        error::to_result,
        sync::global_lock, //
    };

    global_lock! {
        // SAFETY: Initialised by the folder's `init()` before anything else uses it.
        pub(in crate::buffer) unsafe(uninit) static MOUNT: Mutex<Option<Mount>> = None;
    }

    static NOTIFIER: Static<bindings::notifier_block> = Static::new(bindings::notifier_block {
        notifier_call: Some(module_changes),
        ..pin_init::zeroed()
    });

    /// There is nothing to be mounted before the first file. Fails with `EEXIST` if this was done.
    pub(in crate::buffer) fn init(_fs: &'static FileSystem) -> Result {
        // SAFETY: The block is complete, and stays until `exit`.
        to_result(unsafe { bindings::register_module_notifier(NOTIFIER.as_ptr()) })
    }

    /// Undoes [`init`]. Called once, when there is no file and nobody can make one: nothing is
    /// mounted, since that would keep this module.
    pub(in crate::buffer) fn exit() {
        // SAFETY: If `init` has not registered it, nothing happens.
        unsafe { bindings::unregister_module_notifier(NOTIFIER.as_ptr()) };
    }

    /// # Safety
    ///
    /// None; the signature is that of the notifier chain.
    unsafe extern "C" fn module_changes(
        _: *mut bindings::notifier_block,
        state: c_ulong,
        _: *mut c_void,
    ) -> c_int {
        if state == bindings::module_state_MODULE_STATE_GOING as c_ulong {
            let kept = MOUNT.lock().take();

            // A module that runs a notifier is not unloaded.
            if let Some(kept) = kept {
                kept.unmount();
            }
        }
        bindings::NOTIFY_DONE as c_int
    }

    /// The mount, to make a file in it. Fails with `ENOMEM`. Sleeps.
    pub(in crate::buffer) fn get(fs: &'static FileSystem) -> Result<impl Deref<Target = Mount>> {
        let mut kept = MOUNT.lock();

        if kept.is_none() {
            *kept = Some(Mount::new(fs)?);
        }
        Ok(kept.as_ref().ok_or(ENODEV)?.reference())
    }
}
