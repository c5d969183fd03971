// SPDX-License-Identifier: GPL-2.0

//! Heaps: named pools that user space allocates buffers from.
//!
//! C header: [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h)

#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod chore;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod counts;
#[cfg(CONFIG_DMABUF_CORE_RUST)]
mod files;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod pool;
mod properties;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod shelf;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod shrinker;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod stock;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod store;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod trace;

pub use self::properties::{
    Memory,
    Properties, //
};
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
pub use self::{
    counts::{
        PoolCounts,
        PoolLimits, //
    },
    pool::{
        PagePool,
        PooledBlocks, //
    },
};
use super::{
    buffer::DmaBuf,
    resv::fatal_signal_pending,
    trampoline::{
        four,
        Ref,
        Value, //
    },
};
use crate::{
    bindings,
    current,
    error::{
        from_err_ptr,
        VTABLE_DEFAULT_ERROR, //
    },
    interop::{
        any_thread::AnyThread,
        linked::Linked, //
    },
    module::ModuleMetadata,
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};

#[cfg(not(CONFIG_DMABUF_CORE_RUST))]
use crate::interop::module_ref::ModuleRef;
#[cfg(CONFIG_DMABUF_CORE_RUST)]
use crate::module::this_module;

/// A pool of memory.
#[vtable]
pub trait Heap: Sized + Send + Sync + 'static {
    /// The module that the heap's code is in. Filled in by `#[vtable]`.
    type OwnerModule: ModuleMetadata;

    /// Allocates a buffer of exactly `request.len` bytes, zeroed.
    ///
    /// Called in the context of the process that asks. May sleep.
    fn allocate(&self, request: &Request) -> Result<ARef<DmaBuf>>;

    /// What its buffers are like. Asked once, when the heap is registered.
    ///
    /// User space finds it in `/sys/class/dma_heap/NAME/`, or no files there if this is not
    /// implemented.
    fn properties(&self) -> Properties {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
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
/// registration does nothing: the heap stays. Nor has a heap [`Properties`] there.
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
/// `heap` was added with the operations of `H`, and `data` as its private data.
pub struct Registration<H: Heap> {
    heap: AnyThread<bindings::dma_heap>,
    // There until this is dropped.
    data: Option<KBox<Registered<H>>>,
}

impl<H: Heap> Registration<H> {
    /// Registers a heap.
    ///
    /// `name` must be unique. Fails with `EINVAL` if it is empty, `EEXIST` if it is taken, `EBUSY`
    /// if there are too many heaps, and `ENOMEM`. May sleep.
    #[inline(never)]
    pub fn new(name: &'static CStr, heap: H) -> Result<Self> {
        let table: &'static (bindings::dma_heap_ops, Linked) = &Operations::<H>::TABLE;
        let properties = if H::HAS_PROPERTIES {
            heap.properties()
        } else {
            Properties::default()
        };
        let registered = Registered {
            properties,
            name,
            heap,
        };
        let mut data = KBox::new(registered, GFP_KERNEL)?;
        let info = bindings::dma_heap_export_info {
            name: name.as_char_ptr(),
            ops: &table.0,
            priv_: (&raw mut *data).cast(),
        };
        #[cfg(not(CONFIG_DMABUF_CORE_RUST))]
        let module = ModuleRef::this::<H::OwnerModule>()?;

        #[cfg(CONFIG_DMABUF_CORE_RUST)]
        let groups = if H::HAS_PROPERTIES {
            files::groups()
        } else {
            ptr::null_mut()
        };

        // SAFETY: Name and table are in the module, or for ever; the box is not touched, but for
        // shared references, until the heap is removed. It begins with what the files show. The
        // module is running this code; where the heap stays for ever, so does the module.
        let heap = from_err_ptr(unsafe {
            #[cfg(CONFIG_DMABUF_CORE_RUST)]
            let heap = bindings::dma_heap_add_owned(
                &info,
                this_module::<H::OwnerModule>().as_ptr(),
                groups,
            );
            #[cfg(not(CONFIG_DMABUF_CORE_RUST))]
            let heap = bindings::dma_heap_add(&info);

            heap
        })?;

        #[cfg(not(CONFIG_DMABUF_CORE_RUST))]
        core::mem::forget(module);
        // INVARIANT: As it was just added. It is never NULL.
        Ok(Self {
            heap: AnyThread::new(NonNull::new(heap).ok_or(EINVAL)?),
            data: Some(data),
        })
    }
}

impl<H: Heap> Drop for Registration<H> {
    #[inline]
    fn drop(&mut self) {
        let (heap, data) = (self.heap, self.data.take());

        // SAFETY: By the type invariant the heap was added, and nobody uses it after this.
        #[cfg(CONFIG_DMABUF_CORE_RUST)]
        unsafe {
            bindings::dma_heap_remove(heap.as_ptr())
        };
        // What it has borrowed goes after it; or it stays, and so does what it borrows.
        #[cfg(CONFIG_DMABUF_CORE_RUST)]
        drop(data);
        #[cfg(not(CONFIG_DMABUF_CORE_RUST))]
        core::mem::forget((heap, data));
    }
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
    fatal_signal_pending(current!()) != 0
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
#[repr(C)]
struct Registered<H> {
    // First, for `files::groups()`.
    properties: Properties,
    name: &'static CStr,
    heap: H,
}

/// The C operations of the heap `H`.
struct Operations<H>(PhantomData<H>);

impl<H: Heap> Operations<H> {
    const TABLE: (bindings::dma_heap_ops, Linked) = (
        bindings::dma_heap_ops {
            allocate: Some(
                four::<Ref<Added<H>, _>, Value<_>, Value<_>, Value<_>, _, _>(Self::allocate),
            ),
        },
        Linked::into::<H::OwnerModule>(),
    );

    #[inline(always)]
    fn allocate(
        heap: &Added<H>,
        len: usize,
        fd_flags: u32,
        heap_flags: u64,
    ) -> Result<NonNull<bindings::dma_buf>> {
        let Registered { name, heap, .. } = heap.data();
        let request = Request {
            heap_name: name,
            len,
            fd_flags,
            heap_flags,
        };

        heap.allocate(&request)
            .map(|buf| ARef::into_raw(buf).cast())
    }
}

/// A heap that C has.
///
/// # Invariants
///
/// It was added by a [`Registration<H>`](Registration), and is not removed meanwhile.
#[repr(transparent)]
struct Added<H>(Opaque<bindings::dma_heap>, PhantomData<H>);

impl<H: Heap> Added<H> {
    #[inline(always)]
    fn data(&self) -> &Registered<H> {
        let heap = ptr::from_ref(&self.0).cast_mut().cast();

        // SAFETY: By the type invariant; `Registration` drops the box after the heap is removed.
        unsafe { &*bindings::dma_heap_get_drvdata(heap).cast() }
    }
}
