// SPDX-License-Identifier: GPL-2.0

//! Sharing buffers between devices, drivers and user space (DMA-BUF).
//!
//! C headers: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h),
//! [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h),
//! [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h),
//! [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h)
//!
//! An *exporter* owns memory and offers it as a [`DmaBuf`]; *importers* attach their devices to it
//! and map it. User space passes the buffer around as a file descriptor.
//!
//! - A driver whose memory is a list of pages implements [`PageSource`] and gets everything else
//!   (attachments, mappings, cache maintenance, `mmap`, `vmap`) from this module.
//! - A driver whose memory is something else implements [`Exporter`].
//! - A driver whose device uses the memory of others attaches it and maps the memory: see
//!   [`importer`].
//! - A driver that lets user space allocate from a named pool implements [`heap::Heap`].
//! - A driver whose device works on buffers makes a [`DriverFence`] for each job, and adds it to
//!   the buffers' [`Resv`] objects (implicit synchronisation) or hands it out as a [`SyncFile`]
//!   (explicit synchronisation). Everybody else sees it as a [`Fence`].
//!
//! Everything here calls the exported symbols of the DMA-BUF core only, so it works on any
//! implementation of them. Functions that name such a symbol are generic or `#[inline]`, so that
//! the reference ends up in the driver that uses them and not in the kernel image.
//!
//! # Locking
//!
//! The reservation object of a buffer ([`DmaBuf::resv`]) serialises everything that concerns its
//! mappings: it is held in [`Exporter::map`], [`Exporter::unmap`], [`Exporter::pin`],
//! [`Exporter::unpin`], [`Exporter::vmap`] and [`Exporter::vunmap`], and an exporter takes it with
//! [`Buffer::lock`] to look at its attachments elsewhere. What an importer does with it is in
//! [`importer`]. See "Locking Convention" in
//! [`Documentation/driver-api/dma-buf.rst`](srctree/Documentation/driver-api/dma-buf.rst).

use crate::{
    bindings,
    fs::file::{
        File,
        FileDescriptorReservation, //
    },
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque,
};
use core::ptr::NonNull;

mod exporter;
mod fence;
pub mod heap;
pub mod importer;
pub(crate) mod module_ref;
mod resv;
#[cfg(CONFIG_SYNC_FILE)]
mod sync_file;
mod user_vec;

#[cfg(CONFIG_MMU)]
pub use self::exporter::memfd;
#[cfg(CONFIG_SYNC_FILE)]
pub use self::sync_file::SyncFile;
pub use self::{
    exporter::{
        AllocEffort,
        Attachment,
        Buffer,
        BufferVma,
        ExportInfo,
        Exporter,
        LockedBuffer,
        Mapping,
        MmapMode,
        PageBlock,
        PageBlockRuns,
        PageBlocks,
        PageRun,
        PageSource,
        VmapAddress,
        MAX_SG_ENTRY, //
    },
    fence::{
        CallbackRegistration,
        ChainLink,
        ChainMember,
        ChainWalk,
        DriverFence,
        Fence,
        FenceAllocation,
        FenceArray,
        FenceCallback,
        FenceChain,
        FenceContext,
        FenceOps,
        FenceStatus,
        LeafFence,
        SignallingSection,
        Unwrap,
        WaitAnyResult,
        WaitResult, //
    },
    resv::{
        AcquireCtx,
        Fences,
        LockedResvs,
        Resv,
        ResvGuard,
        Slot,
        Slots,
        UnlockedFence,
        UnlockedFences,
        Usage, //
    },
    user_vec::UserVec, //
};

/// A result as C has it: zero, or a negative error code.
#[inline(always)]
pub fn to_errno(result: Result) -> c_int {
    match result {
        Ok(()) => 0,
        Err(err) => err.to_errno(),
    }
}

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
pub struct DmaBuf(Opaque<bindings::dma_buf>);

// SAFETY: The reference count of a file may be dropped from any thread.
unsafe impl Send for DmaBuf {}

// SAFETY: All methods either read fields that are constant after export or are synchronised by
// the C API they call.
unsafe impl Sync for DmaBuf {}

// SAFETY: `get_file()` and `dma_buf_put()` count the references of the buffer's file, and the
// buffer lives as long as its file.
unsafe impl AlwaysRefCounted for DmaBuf {
    #[inline]
    fn inc_ref(&self) {
        // SAFETY: By the type invariant the file is alive, and so its count is not zero.
        unsafe { bindings::get_file(self.file_ptr()) };
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

    #[inline]
    fn file_ptr(&self) -> *mut bindings::file {
        // SAFETY: `file` is constant after export.
        unsafe { (*self.as_raw()).file }
    }

    /// The file that stands for this buffer.
    #[inline]
    pub fn file(&self) -> &File {
        // SAFETY: By the type invariant the file is alive. Its position is never used (the file
        // has no read and write), so that no `fdget_pos()` optimisation can be in the way.
        unsafe { File::from_raw_file(self.file_ptr()) }
    }

    /// Size in bytes, constant over the buffer's life.
    #[inline]
    pub fn size(&self) -> usize {
        // SAFETY: `size` is constant after export.
        unsafe { (*self.as_raw()).size }
    }

    /// The reservation object: the lock and the implicit fences of this buffer.
    #[inline]
    pub fn resv(&self) -> &Resv {
        // SAFETY: `resv` is constant after export and lives at least as long as the buffer.
        unsafe { Resv::from_raw((*self.as_raw()).resv) }
    }
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
