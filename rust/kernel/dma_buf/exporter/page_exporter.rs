// SPDX-License-Identifier: GPL-2.0

//! The one implementation of an exporter for everything that is made of pages.

use super::{
    attachments::{
        AnyBuffer,
        Attachments,
        LockedAttachments, //
    },
    buffer::{
        AttachedDevice,
        Buffer,
        Exporter, //
    },
    export::ExportInfo,
    fault::fault_in,
    handed_out::{
        BufferVma,
        MappedTable,
        Shown,
        VmapAddress, //
    },
    run::PageRun,
    sg::{
        Owner,
        PageTables,
        SKIP_CPU_SYNC, //
    },
    source::{
        MmapMode,
        PageSource,
        Pages,
        Visitor, //
    },
};
use crate::{
    alloc::KVVec,
    bindings,
    device::Device,
    dma::DataDirection,
    dma_buf::buffer::DmaBuf,
    error::to_result,
    mm::virt::VmaNew,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
    },
};
use core::ptr::NonNull;

impl DmaBuf {
    /// Exports the pages of `source` as a buffer.
    ///
    /// `name` names the exporter in debugfs and `fdinfo`; `flags` are the open flags of the file.
    /// Fails with `EINVAL` if there are no pages, or more than fit in a `size_t`, otherwise as
    /// [`Buffer::export`]. May sleep.
    #[inline]
    pub fn from_pages<S: PageSource>(
        name: &'static CStr,
        flags: u32,
        source: S,
    ) -> Result<ARef<DmaBuf>> {
        let size = source
            .count()?
            .checked_mul(PAGE_SIZE)
            .filter(|&size| size != 0)
            .ok_or(EINVAL)?;

        let info = ExportInfo { name, size, flags };
        let paged = KBox::new(Paged::new(source), GFP_KERNEL)?;
        Ok(Buffer::export(info, paged)?.into())
    }
}

/// The exporter of a [`PageSource`].
///
/// Attachments are guarded by the reservation object alone. CPU access takes it too, so that it
/// sees a table either mapped or not, never in between.
struct Paged<S> {
    source: S,
    /// An access of the CPU has begun once. Only kept where [`PageSource::END_NEEDS_BEGIN`].
    begun: Atomic<bool>,
    /// See [`Pages::several`].
    several: Atomic<bool>,
}

impl<S: PageSource> Paged<S> {
    const DMA_ATTR_CC_SHARED: c_ulong = bindings::DMA_ATTR_CC_SHARED as c_ulong;

    #[inline(always)]
    fn new(source: S) -> Self {
        Self {
            source,
            begun: Atomic::new(false),
            several: Atomic::new(false),
        }
    }

    #[inline]
    fn attrs(&self) -> c_ulong {
        let shared = if self.source.decrypted() {
            Self::DMA_ATTR_CC_SHARED
        } else {
            0
        };
        let skip = if S::WRITTEN_BEHIND { SKIP_CPU_SYNC } else { 0 };

        shared | skip
    }

    /// Fills `vma`.
    #[inline]
    fn remap(&self, vma: &VmaNew) -> Result {
        let mut addr = vma.start();

        for run in self.source.runs_after(Shown::by(vma).page) {
            let size = run.size().min(vma.end() - addr);
            let decrypted = self.source.decrypted();

            // SAFETY: `vma` is being set up; the range lies inside it, and as many pages follow
            // in the run. They live as long as the buffer, which `vma` keeps through its file.
            to_result(unsafe {
                bindings::remap_pages(vma.as_ptr(), addr, run.first(), size, decrypted)
            })?;
            addr += size;
            if addr == vma.end() {
                break;
            }
        }
        Ok(())
    }

    /// Prepares the memory for the CPU.
    #[inline(always)]
    fn begin(buf: &Buffer<Self>, dir: DataDirection) -> Result {
        if buf.is_idle() {
            return Ok(());
        }
        Self::begin_in_use(buf, dir)
    }

    /// Prepares the memory for devices.
    #[inline(always)]
    fn end(buf: &Buffer<Self>, dir: DataDirection) -> Result {
        if buf.is_idle() {
            return Ok(());
        }
        Self::end_in_use(buf, dir)
    }

    // An importer may hold the reservation object for as long as its hardware takes. A signal ends
    // the wait to begin, with `ERESTARTSYS`, as it ends the wait for fences. Only one that kills
    // ends that to end: there are callers in the kernel who would not come back, and what they have
    // written would not get to the devices.
    //
    // The lock is taken and released in the exporter's module: what is compiled once is in the
    // kernel, which has not got it where DMA-BUF is a module.
    #[inline(never)]
    fn begin_in_use(buf: &Buffer<Self>, dir: DataDirection) -> Result {
        AnyBuffer::from(buf)
            .with_lock_interruptible(|locked| sync(locked, &buf.data().several, dir, Owner::Cpu))
            .map_err(|_| ERESTARTSYS)
    }

    #[inline(never)]
    fn end_in_use(buf: &Buffer<Self>, dir: DataDirection) -> Result {
        AnyBuffer::from(buf)
            .with_lock_killable(|locked| sync(locked, &buf.data().several, dir, Owner::Device))
            .map_err(|_| ERESTARTSYS)
    }
}

type Locked<'a> = LockedAttachments<'a, KBox<PageTables>>;

/// Prepares the memory for its next owner.
#[inline(always)]
fn sync(locked: &mut Locked<'_>, several: &Atomic<bool>, dir: DataDirection, to: Owner) {
    if let Some(addr) = locked.vmapping() {
        let size = locked.size() as c_int;

        // SAFETY: The whole buffer is mapped there, and stays so while it is locked.
        unsafe {
            match to {
                Owner::Cpu => bindings::invalidate_kernel_vmap_range(addr, size),
                Owner::Device => bindings::flush_kernel_vmap_range(addr, size),
            }
        };
    }
    // MODEL: table-mapped
    locked.all().for_each(|mut it| it.get().sync(dir, to));
    // MODEL: none, because the reservation object is held.
    if several.load(Relaxed) {
        sync_others(locked.all(), dir, to);
    }
}

/// As [`sync`], for what importers have mapped more than once.
#[cold]
#[inline(never)]
fn sync_others(all: Attachments<'_, KBox<PageTables>>, dir: DataDirection, to: Owner) {
    all.for_each(|mut it| it.get().sync_others(dir, to));
}

impl<S: PageSource> Pages for Paged<S> {
    fn each<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        let _ = self.source.runs().all(|run| visitor.see(run));
    }

    fn join(&self) -> bool {
        S::JOIN
    }

    fn are_decrypted(&self) -> bool {
        self.source.decrypted()
    }

    fn several(&self) -> &Atomic<bool> {
        &self.several
    }
}

/// Maps the `count` pages of `source` for the kernel.
///
/// Fails with `ENOMEM`, and with `EINVAL` if there are more or less of them.
fn vmap(source: &dyn Pages, count: usize) -> Result<NonNull<c_void>> {
    let mut pages = KVVec::with_capacity(count, GFP_KERNEL)?;
    let mut fits = true;

    source.each(&mut |run: PageRun<'_>| {
        // The source may not say the same each time.
        fits = run.count() <= count - pages.len();
        fits && run
            .pages()
            .try_for_each(|page| pages.push_within_capacity(page.as_ptr()))
            .is_ok()
    });
    if !fits || pages.len() != count {
        return Err(EINVAL);
    }

    // SAFETY: `pages` holds `count` pages, which outlive the mapping: that is undone before the
    // buffer is released.
    let addr = unsafe {
        bindings::vmap_kernel(
            pages.as_mut_ptr(),
            count.try_into()?,
            source.are_decrypted(),
        )
    };
    NonNull::new(addr).ok_or(ENOMEM)
}

#[vtable]
impl<S: PageSource> Exporter for Paged<S> {
    type OwnerModule = S::OwnerModule;
    type Attachment = KBox<PageTables>;

    fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result<KBox<PageTables>> {
        PageTables::new()
    }

    fn map(attachment: &mut AttachedDevice<'_, Self>, dir: DataDirection) -> Result<MappedTable> {
        let (buf, dev) = (attachment.buffer(), attachment.device());
        let pages = buf.data();
        let attrs = pages.attrs();

        if let Some(mapped) = attachment.data().map_again(dir, attrs) {
            return mapped;
        }
        // SAFETY: The pages are lent by `pages`, which lives in the buffer, is never borrowed
        // mutably and never moved before it is dropped; so the borrow could as well last until
        // then. An attachment, and with it the tables, goes before its buffer, and before its
        // device. They stay in their box.
        unsafe { attachment.data().map(pages, buf, dev, dir, attrs) }.map(Into::into)
    }

    fn unmap(attachment: &mut AttachedDevice<'_, Self>, mapping: MappedTable, _dir: DataDirection) {
        attachment.data().unmap(mapping);
    }

    fn begin_cpu_access(buf: &Buffer<Self>, dir: DataDirection) -> Result {
        Self::begin(buf, dir)?;
        if S::END_NEEDS_BEGIN {
            // MODEL: none, because it only says whether to refuse.
            buf.data().begun.store(true, Relaxed);
        }
        Ok(())
    }

    fn end_cpu_access(buf: &Buffer<Self>, dir: DataDirection) -> Result {
        // MODEL: none, because it only says whether to refuse.
        if S::END_NEEDS_BEGIN && !buf.data().begun.load(Relaxed) {
            return Err(EINVAL);
        }
        Self::end(buf, dir)
    }

    fn mmap(buf: &Buffer<Self>, vma: BufferVma<'_>) -> Result {
        match S::MMAP {
            MmapMode::AtOnce => buf.data().remap(&vma),
            MmapMode::OnFault | MmapMode::OnFirstFault => {
                // SAFETY: The source lives as long as the buffer, which an area of it keeps by its
                // file. It is not moved, nor borrowed mutably, before it is dropped.
                unsafe { fault_in(&buf.data().source, &vma) }
            }
        }
    }

    fn vmap(buf: &Buffer<Self>) -> Result<VmapAddress> {
        let addr = vmap(buf.data(), buf.size() >> PAGE_SHIFT)?;

        // SAFETY: All of the buffer is mapped there, until `vunmap()`.
        Ok(unsafe { VmapAddress::new(addr) })
    }

    fn vunmap(_buf: &Buffer<Self>, addr: VmapAddress) {
        // SAFETY: `addr` came from `vmap()` above and is given back once.
        unsafe { bindings::vunmap(addr.as_ptr()) };
    }
}
