// SPDX-License-Identifier: GPL-2.0

//! Heaps: named pools that user space allocates buffers from.
//!
//! C header: [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h)

use super::DmaBuf;
use crate::{
    alloc::KBox,
    bindings, current,
    error::from_err_ptr,
    module::{
        this_module,
        ModuleMetadata, //
    },
    prelude::*,
    sync::aref::ARef,
    types::ForeignOwnable,
};
use core::marker::PhantomData;

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

/// Registers a heap as `/dev/dma_heap/NAME`.
///
/// There is no way to take a heap away, so its module cannot be unloaded any more.
///
/// Fails with `EINVAL` if the name is empty, `EEXIST` if it is taken, `EBUSY` if there are too many
/// heaps, `ENOENT` if the module is being unloaded, and `ENOMEM`. May sleep.
#[inline]
pub fn register<H: Heap>(name: &'static CStr, heap: H) -> Result {
    let heap = KBox::new(Registered { name, heap }, GFP_KERNEL)?;
    let module = this_module::<H::OwnerModule>().as_ptr();

    // SAFETY: NULL, for what is built in, or the module that is running this code.
    if !unsafe { bindings::try_module_get(module) } {
        return Err(ENOENT);
    }

    let data = heap.into_foreign();
    let info = bindings::dma_heap_export_info {
        name: name.as_char_ptr(),
        ops: &Operations::<H>::TABLE,
        priv_: data,
    };

    // SAFETY: The name and the table are static, and stay because the module does; `data` belongs
    // to the heap from now on, for ever.
    match from_err_ptr(unsafe { bindings::dma_heap_add(&info) }) {
        Ok(_) => Ok(()),
        Err(err) => {
            // SAFETY: From `into_foreign()` above; the heap was not registered.
            drop(unsafe { KBox::<Registered<H>>::from_foreign(data) });
            // SAFETY: Taken above.
            unsafe { bindings::module_put(module) };
            Err(err)
        }
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
        // SAFETY: `register` made it a `KBox`, which is never dropped.
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
