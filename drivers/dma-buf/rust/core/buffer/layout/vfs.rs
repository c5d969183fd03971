// SPDX-License-Identifier: GPL-2.0

//! What the VFS knows of the pseudo file system of buffers: its mount, and a file in it.

use core::ptr::NonNull;
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    error::from_err_ptr,
    fs::{
        file::flags,
        operations::{
            Operations,
            Table, //
        }, //
    },
    interop::{
        any_thread::AnyThread,
        object::Object, //
    },
    mm::virt::VmaNew,
    prelude::*, //
};

/// A mount of a pseudo file system.
///
/// # Invariants
///
/// It stays mounted as long as this exists.
pub(in crate::buffer) struct Mount(AnyThread<bindings::vfsmount>);

impl Mount {
    /// Mounts a file system. Fails with `ENOMEM`.
    #[inline(always)]
    pub(in crate::buffer) fn new(
        fs_type: &'static Object<bindings::file_system_type>,
    ) -> Result<Self> {
        // SAFETY: The type is static.
        let mount = from_err_ptr(unsafe { bindings::kern_mount(fs_type.get()) })?;

        // INVARIANT: What is mounted stays so unless it is unmounted below.
        NonNull::new(mount)
            .map(|mount| Self(AnyThread::new(mount)))
            .ok_or(ENOMEM)
    }

    /// Unmounts it. What has a reference of its own keeps the mount.
    #[cfg(MODULE)]
    pub(in crate::buffer) fn unmount(self) {
        // SAFETY: `new` has mounted it.
        unsafe { bindings::kern_unmount(self.0.as_ptr()) };
    }

    /// A reference that keeps it mounted.
    #[cfg(MODULE)]
    pub(in crate::buffer) fn reference(&self) -> MountReference {
        // SAFETY: It is mounted.
        unsafe { bindings::mntget(self.0.as_ptr()) };
        // INVARIANT: Taken just above.
        MountReference(Self(self.0))
    }
}

/// A reference to a mount.
///
/// # Invariants
///
/// As that says.
#[cfg(MODULE)]
pub(in crate::buffer) struct MountReference(Mount);

#[cfg(MODULE)]
impl core::ops::Deref for MountReference {
    type Target = Mount;

    #[inline(always)]
    fn deref(&self) -> &Mount {
        &self.0
    }
}

#[cfg(MODULE)]
impl Drop for MountReference {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::mntput(self.0 .0.as_ptr()) };
    }
}

/// A file that nobody else knows yet.
///
/// # Invariants
///
/// As that says.
pub(in crate::buffer) struct NewFile(NonNull<bindings::file>);

impl NewFile {
    /// Of `size` bytes, with the operations of `table`. It owns nothing yet. Fails with `ENOMEM` or
    /// `ENFILE`.
    #[inline(always)]
    pub(in crate::buffer) fn new<T: Operations>(
        mount: &Mount,
        name: &'static CStr,
        table: &'static Table<T>,
        (size, number, open_flags): (usize, u64, u32),
    ) -> Result<Self> {
        // SAFETY: The mount is valid by its invariant, the name and the operations are static, and
        // the inode is ours until there is a file that owns it. The path of that owns a reference
        // to the mount.
        unsafe {
            let mount = mount.0.as_ptr();
            let inode = from_err_ptr(bindings::alloc_anon_inode((*mount).mnt_sb))?;

            (*inode).i_size = size as bindings::loff_t;
            bindings::inode_set_bytes(inode, size as bindings::loff_t);
            (*inode).i_ino = number;

            let open_flags = open_flags & (flags::O_ACCMODE | flags::O_NONBLOCK);
            let file = from_err_ptr(bindings::alloc_file_pseudo(
                inode,
                mount,
                name.as_char_ptr(),
                open_flags as c_int,
                table.as_ptr(),
            ))
            .inspect_err(|_| bindings::iput(inode))?;

            // INVARIANT: It is new.
            Ok(Self(NonNull::new_unchecked(file)))
        }
    }

    /// What C calls it.
    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *mut bindings::file {
        self.0.as_ptr()
    }
}

/// Has `area` show the file of `buf` from page `offset` on, and not the file that it was made for.
#[inline(always)]
pub(in crate::buffer) fn set_file(area: &VmaNew, buf: &DmaBuf, offset: usize) {
    // SAFETY: The area is being set up, which is all that this is for. It gets a reference of its
    // own to the file.
    unsafe {
        bindings::vma_set_file(area.as_ptr(), buf.file().as_ptr());
        (*area.as_ptr()).vm_pgoff = offset;
    }
}
