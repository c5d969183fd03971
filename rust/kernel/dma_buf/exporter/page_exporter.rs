// SPDX-License-Identifier: GPL-2.0

//! The one implementation of an exporter for everything that is made of pages.

use super::{
    buffer::{
        Attachment,
        Buffer,
        ExportInfo,
        Exporter, //
    },
    handed_out::{
        BufferVma,
        Mapping,
        VmapAddress, //
    },
    pages::{
        Joined,
        PageRun, //
    },
    sg::{
        Owner,
        PageTables,
        SKIP_CPU_SYNC, //
    },
};
use crate::{
    alloc::{
        KBox,
        KVVec, //
    },
    bindings,
    device::Device,
    dma::DataDirection,
    dma_buf::DmaBuf,
    error::to_result,
    ffi::c_void,
    mm::virt::{
        flags as vm,
        VmaNew,
        VmaRef, //
    },
    module::ModuleMetadata,
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
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// When the pages of a buffer enter the page tables of a process that maps it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MmapMode {
    /// In `mmap()`.
    AtOnce,
    /// Each when it is touched. Only shared mappings are possible then: others get `EINVAL`. They
    /// count as I/O memory.
    OnFault,
    /// All that the process maps when the first is touched. Only shared mappings are possible
    /// then: others get `EINVAL`.
    OnFirstFault,
}

/// Memory made of pages, which can be exported as a buffer with [`DmaBuf::from_pages`].
///
/// The value owns the pages and frees them when it is dropped, after the last user is gone.
///
/// # Examples
///
/// ```
/// use kernel::{dma_buf::{AllocEffort, DmaBuf, PageBlock, PageRun, PageSource}, prelude::*};
/// use kernel::{fs::file::flags, sync::aref::ARef};
///
/// struct Block(PageBlock);
///
/// #[vtable]
/// impl PageSource for Block {
///     fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
///         core::iter::once(self.0.run())
///     }
/// }
///
/// fn export() -> Result<ARef<DmaBuf>> {
///     let block = PageBlock::alloc(2, AllocEffort::Required, false).ok_or(ENOMEM)?;
///     DmaBuf::from_pages(c"example", flags::O_RDWR, Block(block))
/// }
/// ```
#[vtable]
pub trait PageSource: Sized + Send + Sync + 'static {
    /// The module whose code must stay while a buffer lives. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

    /// When pages are mapped into a process.
    const MMAP: MmapMode = MmapMode::AtOnce;

    /// Whether devices get runs that are neighbours in memory as one.
    const JOIN: bool = false;

    /// Whether it is an error, `EINVAL`, to end an access of the CPU when none has ever begun.
    const END_NEEDS_BEGIN: bool = false;

    /// Whether processes write to the memory without announcing it, by other ways than the buffer.
    ///
    /// What they write while a device has the memory mapped is then still there when it is
    /// unmapped. What the device has written is seen by the CPU after an access has begun, not
    /// because the device's mapping is undone: where there is a bounce buffer, that access has to
    /// begin before.
    const WRITTEN_BEHIND: bool = false;

    /// The pages, in the order of the buffer's contents. The same at each call: if they are not as
    /// many as [`count`](Self::count) has said, devices and the kernel cannot map the buffer, which
    /// is `EINVAL`.
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone;

    /// The pages that [`runs`](Self::runs) shows, without the first `skip` of them.
    ///
    /// Page faults and `mmap()` begin where they need to: implemented by memory that finds a page
    /// without looking at those before it.
    #[inline]
    fn runs_after(&self, mut skip: usize) -> impl Iterator<Item = PageRun<'_>> {
        self.runs().filter_map(move |run| {
            let rest = run.skip(skip);

            skip = skip.saturating_sub(run.count());
            rest
        })
    }

    /// How many pages [`runs`](Self::runs) shows. Fails with `EINVAL` if they cannot be counted.
    #[inline]
    fn count(&self) -> Result<usize> {
        self.runs()
            .try_fold(0usize, |sum, run| sum.checked_add(run.count()))
            .ok_or(EINVAL)
    }

    /// Whether the pages are shared with the host of a confidential virtual machine.
    #[inline]
    fn decrypted(&self) -> bool {
        false
    }
}

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
        Ok(Buffer::export(info, KBox::new(Pages::new(source), GFP_KERNEL)?)?.into())
    }
}

/// The exporter of a [`PageSource`].
///
/// Attachments are guarded by the reservation object alone. CPU access takes it too, so that it
/// sees a table either mapped or not, never in between.
struct Pages<S> {
    source: S,
    /// An access of the CPU has begun once. Only kept where [`PageSource::END_NEEDS_BEGIN`].
    begun: Atomic<bool>,
}

impl<S: PageSource> Pages<S> {
    const DMA_ATTR_CC_SHARED: c_ulong = bindings::DMA_ATTR_CC_SHARED as c_ulong;

    #[inline]
    fn new(source: S) -> Self {
        Self {
            source,
            begun: Atomic::new(false),
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

    /// Prepares the memory for its next owner.
    ///
    /// An importer may hold the reservation object for as long as its hardware takes. A signal ends
    /// the wait to begin, with `ERESTARTSYS`, as it ends the wait for fences. Only one that kills
    /// ends that to end: there are callers in the kernel who would not come back, and what they
    /// have written would not get to the devices.
    #[inline]
    fn sync(buf: &Buffer<Self>, dir: DataDirection, to: Owner) -> Result {
        if buf.is_idle() {
            return Ok(());
        }
        let mut locked = match to {
            Owner::Cpu => buf.lock_interruptible(),
            Owner::Device => buf.lock_killable(),
        }
        .map_err(|_| ERESTARTSYS)?;

        if let Some(addr) = locked.vmapping() {
            // SAFETY: The whole buffer is mapped there, and stays so while it is locked.
            unsafe {
                match to {
                    Owner::Cpu => bindings::invalidate_kernel_vmap_range(addr, buf.size() as c_int),
                    Owner::Device => bindings::flush_kernel_vmap_range(addr, buf.size() as c_int),
                }
            };
        }
        locked.for_each_attachment(|mut attachment| {
            attachment.data().sync(dir, to);
        });
        Ok(())
    }

    /// Fills `vma`.
    #[inline]
    fn remap(&self, vma: &VmaNew) -> Result {
        let mut addr = vma.start();

        for run in self.source.runs_after(page_offset(vma)) {
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

    /// Lets page faults fill `vma`.
    #[inline]
    fn fault_in(&self, vma: &VmaNew) -> Result {
        if vma.flags() & (vm::SHARED | vm::MAYSHARE) == 0 {
            return Err(EINVAL);
        }
        if S::MMAP == MmapMode::OnFault {
            vma.set_io();
        }
        vma.set_dontexpand();
        vma.set_dontdump();

        let raw = vma.as_ptr();
        // SAFETY: `vma` is being set up and not shared yet. Only page frames of a shared mapping
        // will enter it. `self` lives as long as the buffer, which `vma` keeps through its file.
        unsafe {
            (*raw).__bindgen_anon_2.vm_flags |= vm::PFNMAP;
            (*raw).vm_ops = &VmOps::<S>::TABLE;
            (*raw).vm_private_data = core::ptr::from_ref(self).cast_mut().cast();
        }
        Ok(())
    }
}

#[vtable]
impl<S: PageSource> Exporter for Pages<S> {
    type OwnerModule = S::OwnerModule;
    type Attachment = KBox<PageTables>;

    fn attach(_buf: &Buffer<Self>, _dev: &Device) -> Result<KBox<PageTables>> {
        PageTables::new()
    }

    fn map(attachment: &mut Attachment<'_, Self>, dir: DataDirection) -> Result<Mapping> {
        let (buf, dev) = (attachment.buffer(), attachment.device());
        let pages = buf.data();
        let runs = || Joined::new(pages.source.runs(), S::JOIN);

        // SAFETY: The pages are lent by `source`, which lives in the buffer, is never borrowed
        // mutably and never moved before it is dropped; so the borrow could as well last until
        // then. An attachment, and with it the tables, goes before its buffer, and before its
        // device. They stay in their box.
        unsafe { attachment.data().map(runs, buf, dev, dir, pages.attrs()) }
    }

    fn unmap(attachment: &mut Attachment<'_, Self>, mapping: Mapping, _dir: DataDirection) {
        attachment.data().unmap(mapping);
    }

    fn begin_cpu_access(buf: &Buffer<Self>, dir: DataDirection) -> Result {
        Self::sync(buf, dir, Owner::Cpu)?;
        if S::END_NEEDS_BEGIN {
            buf.data().begun.store(true, Relaxed);
        }
        Ok(())
    }

    fn end_cpu_access(buf: &Buffer<Self>, dir: DataDirection) -> Result {
        if S::END_NEEDS_BEGIN && !buf.data().begun.load(Relaxed) {
            return Err(EINVAL);
        }
        Self::sync(buf, dir, Owner::Device)
    }

    fn mmap(buf: &Buffer<Self>, vma: BufferVma<'_>) -> Result {
        match S::MMAP {
            MmapMode::AtOnce => buf.data().remap(&vma),
            MmapMode::OnFault | MmapMode::OnFirstFault => buf.data().fault_in(&vma),
        }
    }

    fn vmap(buf: &Buffer<Self>) -> Result<VmapAddress> {
        let source = &buf.data().source;
        let count = buf.size() >> PAGE_SHIFT;
        let mut pages = KVVec::with_capacity(count, GFP_KERNEL)?;

        for page in source.runs().flat_map(|run| run.pages()) {
            pages.push(page, GFP_KERNEL)?;
        }
        if pages.len() != count {
            // The source does not say the same each time.
            return Err(EINVAL);
        }

        // SAFETY: `pages` holds the pages of this buffer, which outlive the mapping: the core
        // undoes it before it releases the buffer.
        let addr = NonNull::new(unsafe {
            bindings::vmap_kernel(
                pages.as_mut_ptr(),
                pages.len().try_into()?,
                source.decrypted(),
            )
        })
        .ok_or(ENOMEM)?;

        // SAFETY: All of the buffer's pages are mapped at `addr`.
        Ok(unsafe { VmapAddress::new(addr) })
    }

    fn vunmap(_buf: &Buffer<Self>, addr: VmapAddress) {
        // SAFETY: `addr` came from `vmap()` above and is given back once.
        unsafe { bindings::vunmap(addr.as_ptr()) };
    }
}

/// Which page of the buffer is at the beginning of `vma`.
#[inline]
fn page_offset(vma: &VmaRef) -> usize {
    // SAFETY: The area does not change while we may look at it.
    unsafe { (*vma.as_ptr()).vm_pgoff }
}

/// The C operations of an area that faults fill.
struct VmOps<S>(PhantomData<S>);

impl<S: PageSource> VmOps<S> {
    const TABLE: bindings::vm_operations_struct = bindings::vm_operations_struct {
        fault: Some(Self::fault),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// Called by the memory management with a fault in an area that [`Pages::fault_in`] set up.
    unsafe extern "C" fn fault(vmf: *mut bindings::vm_fault) -> bindings::vm_fault_t {
        // SAFETY: The fields are constant during the fault.
        let (vma, pgoff, addr) = unsafe {
            let fault = &(*vmf).__bindgen_anon_1;
            (fault.vma, fault.pgoff, fault.address)
        };
        // SAFETY: `fault_in` put it there.
        let pages = unsafe { &*(*vma).vm_private_data.cast::<c_void>().cast::<Pages<S>>() };

        let Some(run) = pages.source.runs_after(pgoff).next() else {
            return bindings::vm_fault_reason_VM_FAULT_SIGBUS;
        };
        let decrypted = pages.source.decrypted();
        // SAFETY: The area takes page frames, and `addr` is inside it.
        let result = unsafe { bindings::vmf_insert_page_pfn(vma, addr, run.first(), decrypted) };

        if S::MMAP == MmapMode::OnFirstFault && result == INSERTED {
            // SAFETY: The area is locked during the fault.
            Self::fill(pages, unsafe { VmaRef::from_raw(vma) }, addr);
        }
        result
    }

    /// Inserts the other pages of the area, too, as long as that goes well. Who touches one that
    /// is missing has a fault of its own.
    fn fill(pages: &Pages<S>, vma: &VmaRef, faulted: usize) {
        let (mut addr, end) = (vma.start(), vma.end());
        let decrypted = pages.source.decrypted();

        for run in pages.source.runs_after(page_offset(vma)) {
            for page in run.truncate((end - addr) >> PAGE_SHIFT).pages() {
                if addr != faulted {
                    // SAFETY: The area takes page frames, and `addr` is inside it.
                    let result = unsafe {
                        bindings::vmf_insert_page_pfn(vma.as_ptr(), addr, page, decrypted)
                    };

                    if result != INSERTED {
                        return;
                    }
                }
                addr += PAGE_SIZE;
            }
            if addr == end {
                return;
            }
        }
    }
}

/// What C says when a page was inserted, or was there already.
const INSERTED: bindings::vm_fault_t = bindings::vm_fault_reason_VM_FAULT_NOPAGE;
