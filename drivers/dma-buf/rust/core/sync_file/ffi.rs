// SPDX-License-Identifier: GPL-2.0

//! What C calls for sync_files.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/sync_file.h`](srctree/include/linux/sync_file.h).

use super::SyncFile;
use crate::fence::ffi::into_raw;
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings::{
        dma_fence,
        sync_file, //
    },
    dma_buf::Fence,
    prelude::*, //
};

/// # Safety
///
/// The caller must hold a reference to `fence`. The file's reference is the caller's.
#[export]
pub(crate) unsafe extern "C" fn sync_file_create(fence: *mut dma_fence) -> *mut sync_file {
    // SAFETY: The caller's guarantee.
    let fence = unsafe { Fence::from_raw(fence) };

    super::new(fence.into(), None).map_or(ptr::null_mut(), NonNull::as_ptr)
}

/// # Safety
///
/// None. The reference that is returned is the caller's.
#[export]
pub(crate) unsafe extern "C" fn sync_file_get_fence(fd: c_int) -> *mut dma_fence {
    into_raw(super::fence_of(fd as u32))
}

/// # Safety
///
/// `sync_file` must be one that the caller keeps, and `buf` point to `len` bytes.
#[export]
pub(crate) unsafe extern "C" fn sync_file_get_name(
    sync_file: *mut sync_file,
    buf: *mut c_char,
    len: c_int,
) -> *mut c_char {
    // SAFETY: The caller's guarantee.
    unsafe { super::write_name(SyncFile::from_raw(sync_file), buf, len as usize) };
    buf
}
