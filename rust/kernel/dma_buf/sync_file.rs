// SPDX-License-Identifier: GPL-2.0

//! Fences as files.
//!
//! C header: [`include/linux/sync_file.h`](srctree/include/linux/sync_file.h)

use super::dma_fence::{
    declare::c_functions,
    Fence,
    OwnedFence, //
};
use crate::{
    bindings,
    fs::File,
    prelude::*,
    sync::aref::ARef, //
};
use core::ptr::NonNull;

c_functions! {
    // SAFETY: Any number may be asked for.
    unsafe extern "C" {
        safe fn sync_file_get_fence(fd: c_int) -> Option<OwnedFence>;
    }
}

/// A file that user space knows a fence by: it can be polled, merged with others and given to other
/// drivers.
///
/// # Examples
///
/// ```
/// use kernel::dma_buf::{Fence, SyncFile};
/// use kernel::fs::file::{flags, FileDescriptorReservation};
/// use kernel::uaccess::UserSliceWriter;
///
/// fn hand_out(fence: &Fence, reply: &mut UserSliceWriter) -> Result {
///     let file = SyncFile::new(fence)?;
///     let fd = FileDescriptorReservation::get_unused_fd_flags(flags::O_CLOEXEC)?;
///
///     reply.write(&fd.reserved_fd())?; // On failure nothing is left behind.
///     fd.fd_install(file.into_file());
///     Ok(())
/// }
///
/// // A number that is no sync file.
/// assert_eq!(SyncFile::fence_from_fd(-1).err(), Some(EINVAL));
/// SyncFile::new(&Fence::stub())?;
/// # Ok::<(), Error>(())
/// ```
pub struct SyncFile(ARef<File>);

impl SyncFile {
    /// A new file for `fence`. Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn new(fence: &Fence) -> Result<Self> {
        // SAFETY: The fence is valid; the call takes a reference of its own, and gives NULL or a
        // new sync_file, whose file has one reference, which is ours. Nobody uses its position.
        unsafe {
            bindings::sync_file_create(fence.as_raw())
                .as_ref()
                .and_then(|sync_file| NonNull::new(sync_file.file))
                .map(|file| Self(ARef::from_raw(file.cast())))
        }
        .ok_or(ENOMEM)
    }

    /// The file, to be installed as a descriptor.
    #[inline]
    pub fn into_file(self) -> ARef<File> {
        self.0
    }

    /// The fence of the sync file that the calling process knows as `fd`.
    ///
    /// Fails with `EINVAL` if there is no such file or if it is another kind of file.
    #[inline]
    pub fn fence_from_fd(fd: i32) -> Result<ARef<Fence>> {
        sync_file_get_fence(fd).map(ARef::from).ok_or(EINVAL)
    }
}
