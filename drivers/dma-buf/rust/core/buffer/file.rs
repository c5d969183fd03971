// SPDX-License-Identifier: GPL-2.0

//! The file operations of a buffer.

use super::{
    ioctl,
    name,
    poll,
    registry,
    trace, //
};
use kernel::{
    bindings,
    dma_buf::{
        to_errno,
        DmaBuf, //
    },
    fs::{
        File,
        LocalFile, //
    },
    mm::virt::VmaNew,
    page::PAGE_SHIFT,
    prelude::*, //
};

/// The table, which also tells the files of buffers from all others.
struct Ops(bindings::file_operations);

// SAFETY: The table is constant.
unsafe impl Sync for Ops {}

static FILE_OPS: Ops = Ops(bindings::file_operations {
    release: Some(release),
    mmap: Some(mmap_op),
    llseek: Some(llseek_op),
    poll: Some(poll_op),
    unlocked_ioctl: Some(ioctl_op),
    compat_ioctl: bindings::compat_ptr_ioctl,
    show_fdinfo: Some(show_fdinfo),
    ..pin_init::zeroed()
});

/// The file operations that all buffers' files have.
pub(crate) const OPS: *const bindings::file_operations = &raw const FILE_OPS.0;

/// The buffer that `file` stands for, if it does.
pub(crate) fn buffer_of(file: &LocalFile) -> Option<&DmaBuf> {
    // SAFETY: The operations of an open file do not change. A file with ours was connected with
    // its buffer before it was visible, and keeps it alive.
    unsafe {
        ((*file.as_ptr()).f_op == OPS)
            .then(|| DmaBuf::from_raw((*file.as_ptr()).private_data.cast()))
    }
}

/// As [`buffer_of`], for the operations.
///
/// # Safety
///
/// `file` must be an open file with [`OPS`], for `'a`.
unsafe fn buffer<'a>(file: *mut bindings::file) -> &'a DmaBuf {
    // SAFETY: By the caller's guarantee.
    unsafe { DmaBuf::from_raw((*file).private_data.cast()) }
}

/// # Safety
///
/// Called by the VFS after the last reference to the file is gone.
unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    // SAFETY: The buffer was inserted at export, and a file is released once.
    unsafe { registry::remove((*file).private_data.cast()) };
    0
}

/// # Safety
///
/// Called by the VFS with an open file and an area that is being set up.
unsafe extern "C" fn mmap_op(
    file: *mut bindings::file,
    vma: *mut bindings::vm_area_struct,
) -> c_int {
    // SAFETY: The VFS's guarantee.
    let (buf, vma) = unsafe { (buffer(file), VmaNew::from_raw(vma)) };

    // SAFETY: The area does not change under us.
    let offset = unsafe { (*vma.as_ptr()).vm_pgoff };

    match mmap_check(buf, vma, offset) {
        Ok(op) => {
            trace::mmap_file(buf);
            // SAFETY: As `struct dma_buf_ops` asks for.
            unsafe { op(buf.as_raw(), vma.as_ptr()) }
        }
        Err(err) => err.to_errno(),
    }
}

type MmapOp = unsafe extern "C" fn(*mut bindings::dma_buf, *mut bindings::vm_area_struct) -> c_int;

/// Checks that the buffer can be mapped and `vma` at page `offset` lies inside it.
///
/// Fails with `EINVAL`. Returns the exporter's operation.
pub(crate) fn mmap_check(buf: &DmaBuf, vma: &VmaNew, offset: usize) -> Result<MmapOp> {
    // SAFETY: Operations are constant after export.
    let op = unsafe { (*(*buf.as_raw()).ops).mmap }.ok_or(EINVAL)?;
    let end = offset
        .checked_add((vma.end() - vma.start()) >> PAGE_SHIFT)
        .ok_or(EINVAL)?;

    if end > buf.size() >> PAGE_SHIFT {
        return Err(EINVAL);
    }
    Ok(op)
}

/// # Safety
///
/// Called by the VFS with an open file.
unsafe extern "C" fn llseek_op(
    file: *mut bindings::file,
    offset: bindings::loff_t,
    whence: c_int,
) -> bindings::loff_t {
    // SAFETY: The VFS's guarantee.
    let buf = unsafe { buffer(file) };

    llseek(buf, offset, whence).unwrap_or_else(|err| err.to_errno().into())
}

/// Seeking serves to learn the size: only the very start and the very end can be gone to.
fn llseek(buf: &DmaBuf, offset: i64, whence: c_int) -> Result<i64> {
    let base = match whence as u32 {
        bindings::SEEK_END => buf.size() as i64,
        bindings::SEEK_SET => 0,
        _ => return Err(EINVAL),
    };

    if offset != 0 {
        return Err(EINVAL);
    }
    Ok(base)
}

/// # Safety
///
/// Called by the VFS with an open file and NULL or a valid table.
unsafe extern "C" fn poll_op(
    file: *mut bindings::file,
    table: *mut bindings::poll_table,
) -> bindings::__poll_t {
    // SAFETY: The VFS's guarantee.
    unsafe { poll::poll(buffer(file), File::from_raw_file(file), table) }
}

/// # Safety
///
/// Called by the VFS with an open file.
unsafe extern "C" fn ioctl_op(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
    // SAFETY: The VFS's guarantee.
    let buf = unsafe { buffer(file) };

    to_errno(ioctl::ioctl(buf, cmd, arg)) as c_long
}

/// # Safety
///
/// Called by procfs with an open file.
unsafe extern "C" fn show_fdinfo(m: *mut bindings::seq_file, file: *mut bindings::file) {
    // SAFETY: The caller's guarantee.
    let buf = unsafe { buffer(file) };
    let raw = buf.as_raw();

    // What users named is printed by C, which leaves its bytes alone.
    //
    // SAFETY: `m` is valid, and each format gets what it asks for. What is printed is constant
    // after export, but for the count. Less the reference that procfs holds while it calls.
    unsafe {
        bindings::seq_printf(m, c"size:\t%zu\n".as_char_ptr(), buf.size());
        bindings::seq_printf(m, c"count:\t%ld\n".as_char_ptr(), users(buf) - 1);
        bindings::seq_printf(m, c"exp_name:\t%s\n".as_char_ptr(), (*raw).exp_name);
    }
    name::with(buf, |name| {
        if let Some(name) = name {
            // SAFETY: `m` is valid, the format takes a string.
            unsafe { bindings::seq_printf(m, c"name:\t%s\n".as_char_ptr(), name.as_char_ptr()) };
        }
    });
}

/// How many references there are to the buffer.
pub(crate) fn users(buf: &DmaBuf) -> c_long {
    // SAFETY: The file is alive.
    unsafe { bindings::file_count(buf.file().as_ptr()) as c_long }
}
