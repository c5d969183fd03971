// SPDX-License-Identifier: GPL-2.0

//! A buffer, as everybody sees it.

use super::resv::{
    HasResv,
    Resv, //
};
use crate::{
    bindings,
    ffi::c_void,
    fs::file::{
        File,
        FileDescriptorReservation, //
    },
    interop::object::Object,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    }, //
};
use core::ptr::NonNull;

/// A shared buffer.
///
/// Wraps the C `struct dma_buf`. The buffer lives as long as its file: holding an
/// [`ARef<DmaBuf>`](ARef), or an open file descriptor in user space, keeps it alive.
///
/// # Invariants
///
/// The wrapped `struct dma_buf` came out of `dma_buf_export()` and its file's reference count is
/// not zero.
#[repr(transparent)]
pub struct DmaBuf(Object<bindings::dma_buf>);

// SAFETY: `get_file()` and `dma_buf_put()` count the references of the buffer's file, and the
// buffer lives as long as its file.
unsafe impl AlwaysRefCounted for DmaBuf {
    #[inline]
    fn inc_ref(&self) {
        self.file().inc_ref();
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller owns a reference and gives it up.
        unsafe { bindings::dma_buf_put(obj.cast().as_ptr()) };
    }
}

impl DmaBuf {
    /// Borrows a buffer from a C pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to an exported buffer whose file's reference count stays above zero for
    /// `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::dma_buf) -> &'a Self {
        // SAFETY: By the caller's guarantee; `DmaBuf` is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The C `struct dma_buf`.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::dma_buf {
        self.0.get()
    }

    /// What is constant after export. What is not used is not read.
    #[inline(always)]
    pub(super) fn constant(&self) -> Constant<'_> {
        // SAFETY: By the type invariant the buffer is there, and its file is alive. Nobody writes
        // to these fields after export. The position of the file is never used (it has no read and
        // write), so that no `fdget_pos()` optimisation can be in the way. The reservation object
        // lives at least as long as the buffer.
        unsafe {
            let buf = self.as_raw();

            Constant {
                file: File::from_raw_file((*buf).file),
                size: (*buf).size,
                resv: Resv::from_raw((*buf).resv),
                // MODEL: none, because they are constant.
                ops: (*buf).ops,
                data: (*buf).priv_,
                attachments: &raw mut (*buf).attachments,
            }
        }
    }

    /// The file that stands for this buffer.
    #[inline]
    pub fn file(&self) -> &File {
        self.constant().file
    }

    /// Size in bytes, constant over the buffer's life.
    #[inline]
    pub fn size(&self) -> usize {
        self.constant().size
    }

    /// The reservation object: the lock and the implicit fences of this buffer.
    #[inline]
    pub fn resv(&self) -> &Resv {
        self.constant().resv
    }
}

impl HasResv for DmaBuf {
    #[inline]
    fn resv(&self) -> &Resv {
        self.resv()
    }
}

/// What does not change in a [`DmaBuf`].
pub(super) struct Constant<'a> {
    file: &'a File,
    size: usize,
    resv: &'a Resv,
    pub(super) ops: *const bindings::dma_buf_ops,
    pub(super) data: *mut c_void,
    /// The head of the list.
    pub(super) attachments: *mut bindings::list_head,
}

/// A file descriptor that is reserved for a buffer but not yet visible to user space.
///
/// Giving out a descriptor is two steps: first reserve it and tell user space its number (which
/// may fail), then [`install`](Self::install) it (which may not). Dropping the reservation undoes
/// everything, including the reference to the buffer.
///
/// # Examples
///
/// ```
/// use kernel::{dma_buf::{DmaBuf, FdReservation}, prelude::*, sync::aref::ARef};
/// use kernel::uaccess::UserSliceWriter;
///
/// fn hand_out(buf: ARef<DmaBuf>, flags: u32, reply: &mut UserSliceWriter) -> Result {
///     let fd = FdReservation::new(buf, flags)?;
///     reply.write(&fd.number())?; // On failure nothing is left behind.
///     fd.install();
///     Ok(())
/// }
/// ```
pub struct FdReservation {
    // Dropped in this order: the number is free again before the buffer may go.
    fd: FileDescriptorReservation,
    buf: ARef<DmaBuf>,
}

impl FdReservation {
    /// Reserves a descriptor in the calling process for `buf`.
    ///
    /// `flags` may hold [`O_CLOEXEC`](crate::fs::file::flags::O_CLOEXEC); other flags are for the
    /// export and are ignored here. Fails with `EMFILE` if the process has no free descriptor and
    /// with `ENOMEM`. May sleep.
    #[inline]
    pub fn new(buf: ARef<DmaBuf>, flags: u32) -> Result<Self> {
        Ok(Self {
            fd: FileDescriptorReservation::get_unused_fd_flags(flags)?,
            buf,
        })
    }

    /// The number that user space will know the buffer by.
    #[inline]
    pub fn number(&self) -> u32 {
        self.fd.reserved_fd()
    }

    /// Makes the descriptor usable. It owns the reference to the buffer from now on.
    #[inline]
    pub fn install(self) {
        let fd = core::mem::ManuallyDrop::new(self.fd);
        let buf = ARef::into_raw(self.buf);

        // SAFETY: `fd` is reserved in this process (`FileDescriptorReservation` cannot leave its
        // task) and the reference that `buf` held goes over to the descriptor table.
        unsafe { bindings::dma_buf_fd_install(buf.cast().as_ptr(), fd.reserved_fd() as c_int) };
    }
}
