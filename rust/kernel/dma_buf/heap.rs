// SPDX-License-Identifier: GPL-2.0

//! Heaps: named pools that user space allocates buffers from.
//!
//! C header: [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h)

use super::DmaBuf;
use crate::{
    alloc::KBox,
    bindings, current,
    error::from_err_ptr,
    ffi::c_void,
    module::{
        this_module,
        ModuleMetadata, //
    },
    prelude::*,
    sync::aref::ARef,
    types::ForeignOwnable,
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// A pool of memory.
#[vtable]
pub trait Heap: Sized + Send + Sync + 'static {
    /// The module that the heap's code is in. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

    /// Allocates a buffer of exactly `request.len` bytes, zeroed.
    ///
    /// Called in the context of the process that asks. May sleep.
    fn allocate(&self, request: &Request) -> Result<ARef<DmaBuf>>;
}

/// What user space asked of a heap.
pub struct Request {
    /// Name of the heap, to be used as the exporter's name.
    pub heap_name: &'static CStr,
    /// Length in bytes, a multiple of the page size and not zero.
    pub len: usize,
    /// Open flags for the buffer's file: the access mode and `O_CLOEXEC`.
    pub fd_flags: u32,
    /// Flags for the heap. None are defined yet.
    pub heap_flags: u64,
}

/// A heap that is registered as `/dev/dma_heap/NAME`, until this is dropped.
///
/// While there is a heap, its open files keep its module. Dropping this takes the heap away: its
/// device goes first, then allocations through files that are still open fail with `ENODEV`, then
/// those that are under way are waited for, and then the heap is dropped. So it sleeps, and must
/// not happen inside of [`Heap::allocate`]. Buffers that the heap has allocated are not concerned:
/// each keeps its exporter's module.
///
/// A module that fails to initialise goes even if its files are open, or buffers of it alive. What
/// can fail is to be done before the first heap is registered.
///
/// # The implementation in C
///
/// It has no way to take a heap away. There, registering pins the module for ever, and dropping a
/// registration does nothing: the heap stays.
///
/// # Examples
///
/// ```
/// use kernel::{dma_buf::{heap, AllocEffort, DmaBuf, PageBlock, PageRun, PageSource}, prelude::*};
/// use kernel::sync::aref::ARef;
///
/// struct Page(PageBlock);
///
/// #[vtable]
/// impl PageSource for Page {
///     fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
///         core::iter::once(self.0.run())
///     }
/// }
///
/// struct SinglePages;
///
/// #[vtable]
/// impl heap::Heap for SinglePages {
///     fn allocate(&self, request: &heap::Request) -> Result<ARef<DmaBuf>> {
///         if request.len > kernel::page::PAGE_SIZE {
///             return Err(ENOMEM);
///         }
///         let page = PageBlock::alloc(0, AllocEffort::Required, false).ok_or(ENOMEM)?;
///         DmaBuf::from_pages(request.heap_name, request.fd_flags, Page(page))
///     }
/// }
///
/// struct Driver {
///     _heap: heap::Registration<SinglePages>,
/// }
///
/// fn probe() -> Result<Driver> {
///     Ok(Driver {
///         _heap: heap::Registration::new(c"single-pages", SinglePages)?,
///     })
/// }
/// ```
///
/// # Invariants
///
/// `heap` was added with `add()` and the operations of `H`, and `data`, its private data, is a
/// foreign-owned `KBox<Registered<H>>`.
pub struct Registration<H: Heap> {
    heap: NonNull<bindings::dma_heap>,
    data: NonNull<c_void>,
    _p: PhantomData<H>,
}

// SAFETY: A heap may be removed from any thread, and its data dropped there, which is `Send`.
unsafe impl<H: Heap> Send for Registration<H> {}

// SAFETY: There is nothing to be done with a shared reference.
unsafe impl<H: Heap> Sync for Registration<H> {}

impl<H: Heap> Registration<H> {
    /// Registers a heap.
    ///
    /// `name` must be unique. Fails with `EINVAL` if it is empty, `EEXIST` if it is taken, `EBUSY`
    /// if there are too many heaps, and `ENOMEM`. May sleep.
    #[inline]
    pub fn new(name: &'static CStr, heap: H) -> Result<Self> {
        let data = KBox::new(Registered { name, heap }, GFP_KERNEL)?.into_foreign();
        let info = bindings::dma_heap_export_info {
            name: name.as_char_ptr(),
            ops: &Operations::<H>::TABLE,
            priv_: data,
        };

        // SAFETY: Name and table are in the module, or for ever; `data` stays until the heap is
        // removed. The module is running this code.
        match from_err_ptr(unsafe { add(&info, this_module::<H::OwnerModule>().as_ptr()) }) {
            // INVARIANT: As it was just added.
            Ok(heap) => Ok(Self {
                // SAFETY: A heap or an error is returned, never NULL; nor is `KBox` ever NULL.
                heap: unsafe { NonNull::new_unchecked(heap) },
                // SAFETY: As above.
                data: unsafe { NonNull::new_unchecked(data) },
                _p: PhantomData,
            }),
            Err(err) => {
                // SAFETY: From `into_foreign()` above; the heap was not registered.
                drop(unsafe { KBox::<Registered<H>>::from_foreign(data) });
                Err(err)
            }
        }
    }
}

impl<H: Heap> Drop for Registration<H> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant, and nobody uses the heap after this.
        if unsafe { remove(self.heap.as_ptr()) } {
            // SAFETY: By the type invariant; the heap, which borrowed it, is gone.
            drop(unsafe { KBox::<Registered<H>>::from_foreign(self.data.as_ptr()) });
        }
    }
}

/// Adds a heap.
///
/// # Safety
///
/// As for `dma_heap_add_owned()`.
#[cfg(CONFIG_DMABUF_CORE_RUST)]
#[inline]
unsafe fn add(
    info: &bindings::dma_heap_export_info,
    module: *mut bindings::module,
) -> *mut bindings::dma_heap {
    // SAFETY: By the caller's guarantee.
    unsafe { bindings::dma_heap_add_owned(info, module) }
}

/// Removes a heap, and says so.
///
/// # Safety
///
/// As for `dma_heap_remove()`.
#[cfg(CONFIG_DMABUF_CORE_RUST)]
#[inline]
unsafe fn remove(heap: *mut bindings::dma_heap) -> bool {
    // SAFETY: By the caller's guarantee.
    unsafe { bindings::dma_heap_remove(heap) };
    true
}

/// Leaves a heap where it is, and says so.
///
/// # Safety
///
/// None; the signature is that of the other function.
#[cfg(not(CONFIG_DMABUF_CORE_RUST))]
#[inline]
unsafe fn remove(_heap: *mut bindings::dma_heap) -> bool {
    false
}

/// Adds a heap that stays for ever, and so does its module.
///
/// # Safety
///
/// As for `dma_heap_add()`; `module` is NULL or the module that is running this code.
#[cfg(not(CONFIG_DMABUF_CORE_RUST))]
#[inline]
unsafe fn add(
    info: &bindings::dma_heap_export_info,
    module: *mut bindings::module,
) -> *mut bindings::dma_heap {
    // SAFETY: By the caller's guarantee.
    if !unsafe { bindings::try_module_get(module) } {
        return ENOENT.to_ptr();
    }
    // SAFETY: By the caller's guarantee.
    let heap = unsafe { bindings::dma_heap_add(info) };

    if from_err_ptr(heap).is_err() {
        // SAFETY: Taken above.
        unsafe { bindings::module_put(module) };
    }
    heap
}

/// Whether memory that heaps allocate is to be charged to the cgroup of the process that asked.
#[inline]
pub fn mem_accounting() -> bool {
    // SAFETY: The parameter is set at boot or when the module is loaded, and read-only after.
    unsafe { bindings::mem_accounting }
}

/// Whether the calling process is being killed, so that a long allocation should end with `EINTR`.
#[inline]
pub fn caller_is_dying() -> bool {
    let task = current!().as_ptr();

    // SAFETY: The current task is valid.
    unsafe { bindings::fatal_signal_pending(task) != 0 }
}

/// Whether this is a confidential virtual machine, whose memory the host cannot read.
#[cfg(CONFIG_DMABUF_HEAPS_SYSTEM_CC_SHARED)]
#[inline]
pub fn machine_encrypts_memory() -> bool {
    // What is mapped for a moment only cannot be shared.
    if cfg!(CONFIG_HIGHMEM) {
        return false;
    }
    // SAFETY: May be asked at any time.
    unsafe { bindings::cc_platform_has(bindings::cc_attr_CC_ATTR_MEM_ENCRYPT) }
}

/// What a heap was registered with.
struct Registered<H> {
    name: &'static CStr,
    heap: H,
}

/// The C operations of the heap `H`.
struct Operations<H>(PhantomData<H>);

impl<H: Heap> Operations<H> {
    const TABLE: bindings::dma_heap_ops = bindings::dma_heap_ops {
        allocate: Some(Self::allocate),
    };

    /// # Safety
    ///
    /// Called by the core with a heap that was registered with this table.
    unsafe extern "C" fn allocate(
        heap: *mut bindings::dma_heap,
        len: c_ulong,
        fd_flags: u32,
        heap_flags: u64,
    ) -> *mut bindings::dma_buf {
        // SAFETY: `Registration` made it a `KBox`, and drops it after the last of these calls.
        let data = unsafe { KBox::<Registered<H>>::borrow(bindings::dma_heap_get_drvdata(heap)) };
        let request = Request {
            heap_name: data.name,
            len,
            fd_flags,
            heap_flags,
        };

        match data.heap.allocate(&request) {
            Ok(buf) => ARef::into_raw(buf).cast().as_ptr(),
            Err(err) => err.to_ptr(),
        }
    }
}
