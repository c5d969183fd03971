// SPDX-License-Identifier: GPL-2.0

//! What C calls for sync_files.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/sync_file.h`](srctree/include/linux/sync_file.h).

use super::{
    file,
    layout::SyncFile,
    name, //
};
use core::{
    mem,
    ptr::NonNull,
    slice, //
};
use kernel::{
    bindings::sync_file,
    dma_buf::Fence,
    interop::export::Wrapper,
    prelude::*,
    sync::aref::ARef, //
};

// SAFETY: The layouts are the same, which is checked there.
unsafe impl Wrapper for SyncFile {
    type C = sync_file;
}

kernel::exports! {
    // The caller gets the file's reference, which C finds in the result.
    fn sync_file_create(fence: &Fence) -> Option<NonNull<sync_file>> {
        let file = file::new_here(fence.into())?;
        let sync_file = NonNull::new(file::of(&file)?.as_c());

        mem::forget(file);
        sync_file
    }

    fn sync_file_get_fence(fd: c_int) -> Option<ARef<Fence>> {
        file::fence_of(fd as u32)
    }

    fn sync_file_get_name(sync_file: &SyncFile, buf: NonNull<c_char>, len: c_int) -> *mut c_char {
        let len = usize::try_from(len).unwrap_or(0);

        // SAFETY: The caller has `len` bytes there. They are only written.
        name::write(sync_file, unsafe { slice::from_raw_parts_mut(buf.as_ptr(), len) });
        buf.as_ptr()
    }
}
