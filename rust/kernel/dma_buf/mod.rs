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
//!   (explicit synchronisation). Everybody else sees it as a [`Fence`]. A [`SignallingJob`] is what
//!   runs until it is signalled.
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

mod abi;
mod buffer;
pub mod dma_fence;
mod exporter;
pub mod heap;
pub mod importer;
mod resv;
mod signalling;
#[cfg(CONFIG_SYNC_FILE)]
mod sync_file;
pub(crate) mod trampoline;
mod user_vec;

#[cfg(CONFIG_MMU)]
pub use self::exporter::memfd;
#[cfg(all(CONFIG_HAS_DMA, CONFIG_PCI))]
pub use self::exporter::{
    BusMemory,
    BusRanges, //
};
#[cfg(CONFIG_SYNC_FILE)]
pub use self::sync_file::SyncFile;
pub use self::{
    buffer::{
        DmaBuf,
        FdReservation, //
    },
    dma_fence::{
        CallbackError,
        ChainLink,
        ChainMember,
        ChainWalk,
        DriverFence,
        DriverFenceAllocation,
        Fence,
        FenceArray,
        FenceCallback,
        FenceCallbackRegistration,
        FenceChain,
        FenceContext,
        FenceContextOps,
        FenceStatus,
        LeafFence,
        SignallingSection,
        Unwrap,
        WaitAnyResult,
        WaitResult, //
    },
    exporter::{
        AllocEffort,
        AttachedDevice,
        Attaching,
        Buffer,
        BufferVma,
        ExportInfo,
        Exporter,
        LockedBuffer,
        MappedTable,
        MmapMode,
        PageBlock,
        PageBlockRuns,
        PageBlocks,
        PageRun,
        PageSource,
        RunPages,
        VmapAddress,
        MAX_SG_ENTRY, //
    },
    resv::{
        AcquireCtx,
        Exec,
        ExecSlots,
        Fences,
        HasResv,
        LockedExec,
        LockedResvs,
        Resv,
        ResvGuard,
        ResvHandle,
        Slot,
        Slots,
        UnlockedFence,
        UnlockedFences,
        Usage, //
    },
    signalling::{
        AfterSignal,
        JobQueue,
        MaySleep,
        Signalling,
        SignallingHandler,
        SignallingInterrupt,
        SignallingJob,
        SignallingView,
        SignallingWork, //
    },
    user_vec::UserVec, //
};
