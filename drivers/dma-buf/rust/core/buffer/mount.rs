// SPDX-License-Identifier: GPL-2.0

//! The mount of the pseudo file system: for ever if built in, and in a module as long as there is a
//! file or may be one, since a mount keeps the module of its file system from being unloaded.
//!
//! The path of a file holds a reference to the mount. That covers all code that runs for a file:
//! the VFS drops it after its last call into the file system, and so does who looks at a path in
//! `/proc`.

use super::layout::vfs::Mount;
use core::ops::Deref;
use kernel::{
    bindings,
    interop::object::Object,
    prelude::*, //
};

#[cfg(MODULE)]
pub(super) use form::MOUNT;
pub(super) use form::{
    get,
    init,
    Mountable, //
};

/// What is to be mounted.
pub(super) type FileSystem = Object<bindings::file_system_type>;

/// Built in.
#[cfg(not(MODULE))]
mod form {
    use super::*;
    use kernel::sync::SetOnce;

    static MOUNT: SetOnce<Mount> = SetOnce::new();

    /// The mount stays.
    pub(in crate::buffer) type Mountable = ();

    /// Mounts the file system. Fails with `ENOMEM`.
    #[inline]
    pub(in crate::buffer) fn init(fs: &'static FileSystem) -> impl PinInit<Mountable, Error> {
        Mount::new(fs).map(|mount| {
            MOUNT.populate(mount);
        })
    }

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
        interop::going::ModuleGoing,
        sync::global_lock, //
    };

    global_lock! {
        // SAFETY: Initialised by the folder's `init()` before anything else uses it.
        pub(in crate::buffer) unsafe(uninit) static MOUNT: Mutex<Option<Mount>> = None;
    }

    /// What unmounts the file system. When it is dropped there is no file and nobody can make one:
    /// nothing is mounted, since that would keep this module.
    pub(in crate::buffer) type Mountable = ModuleGoing;

    /// A module that runs this is not unloaded.
    fn unmount(_module: *mut bindings::module) {
        let kept = MOUNT.lock().take();

        if let Some(kept) = kept {
            kept.unmount();
        }
    }

    /// There is nothing to be mounted before the first file.
    #[inline]
    pub(in crate::buffer) fn init(_fs: &'static FileSystem) -> impl PinInit<Mountable, Error> {
        ModuleGoing::new(unmount)
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
