// SPDX-License-Identifier: GPL-2.0

//! Heaps, and the table of all of them.

use crate::chardev;
use core::ptr::NonNull;
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    error::from_err_ptr,
    prelude::*,
    sync::{
        aref::ARef,
        global_lock,
        Arc, //
    },
};

/// How many heaps there can be: each has a minor of the same major.
pub(crate) const MAX_HEAPS: usize = 128;

/// The function of a `struct dma_heap_ops` that allocates a buffer.
type Allocate = unsafe extern "C" fn(
    heap: *mut bindings::dma_heap,
    len: c_ulong,
    fd_flags: u32,
    heap_flags: u64,
) -> *mut bindings::dma_buf;

/// A pool of memory. C drivers know it as `struct dma_heap`, which is opaque to them.
///
/// # Invariants
///
/// `allocate` is the function of a heap that was passed to [`Heap::new`], and `data` what belongs
/// to it.
pub(crate) struct Heap {
    name: &'static CStr,
    allocate: Allocate,
    data: *mut c_void,
}

// SAFETY: `data` is only passed back to whoever added the heap, and `allocate` is called from any
// thread by the contract of `struct dma_heap_ops`.
unsafe impl Send for Heap {}

// SAFETY: As for `Send`; a heap does not change.
unsafe impl Sync for Heap {}

impl Heap {
    /// Describes a heap, for [`add`].
    ///
    /// Fails with `EINVAL` without a name or an operation to allocate.
    ///
    /// # Safety
    ///
    /// What `dma_heap_add()` asks of its callers: `info` holds NULL or valid pointers; the name,
    /// the operations and the private data stay as they are for ever once the heap is added.
    pub(crate) unsafe fn new(info: &bindings::dma_heap_export_info) -> Result<Self> {
        if info.name.is_null() {
            pr_err!("A heap must have a name\n");
            return Err(EINVAL);
        }
        // SAFETY: By the caller's guarantee.
        let name: &'static CStr = unsafe { CStr::from_char_ptr(info.name) };
        if name.is_empty() {
            pr_err!("A heap must have a name\n");
            return Err(EINVAL);
        }

        // SAFETY: By the caller's guarantee.
        let Some(allocate) = unsafe { info.ops.as_ref() }.and_then(|ops| ops.allocate) else {
            pr_err!("Heap {name} cannot allocate\n");
            return Err(EINVAL);
        };

        // INVARIANT: Both are from `info`.
        Ok(Self {
            name,
            allocate,
            data: info.priv_,
        })
    }

    /// Borrows a heap from a C pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a [`Heap`], which must live for `'a`.
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::dma_heap) -> &'a Self {
        // SAFETY: By the caller's guarantee.
        unsafe { &*ptr.cast() }
    }

    /// What C drivers know the heap by.
    pub(crate) fn as_raw(&self) -> *mut bindings::dma_heap {
        core::ptr::from_ref(self).cast_mut().cast()
    }

    /// Name of the heap, which is its device's name too.
    pub(crate) fn name(&self) -> &'static CStr {
        self.name
    }

    /// What its driver added the heap with.
    pub(crate) fn data(&self) -> *mut c_void {
        self.data
    }

    /// Allocates a buffer of `len` bytes, which must be a multiple of the page size and not zero.
    ///
    /// Fails as the heap likes, usually with `ENOMEM`, or `EINTR` when the process is being killed.
    /// Sleeps.
    pub(crate) fn allocate(
        &self,
        len: usize,
        fd_flags: u32,
        heap_flags: u64,
    ) -> Result<ARef<DmaBuf>> {
        // SAFETY: By the type invariant this is the heap's own function. It gets the heap that it
        // belongs to, or, while `dma_heap_add()` has not returned yet, is going to belong to.
        let buf =
            from_err_ptr(unsafe { (self.allocate)(self.as_raw(), len, fd_flags, heap_flags) })?;

        // SAFETY: The function gives a buffer, together with a reference to it.
        Ok(unsafe { ARef::from_raw(NonNull::new(buf).ok_or(EINVAL)?.cast()) })
    }
}

/// The heaps by minor.
type Table = [Option<Arc<Heap>>; MAX_HEAPS];

global_lock! {
    // SAFETY: Initialised by `init()` before anything else uses it.
    unsafe(uninit) static HEAPS: Mutex<Table> = [const { None }; MAX_HEAPS];
}

/// Makes the registry usable.
///
/// # Safety
///
/// Must be called once, before any other function of this module.
pub(crate) unsafe fn init() {
    // SAFETY: By the caller's guarantee.
    unsafe { HEAPS.init() };
}

/// Adds a heap, and with it its device.
///
/// A heap can be found exactly when this has succeeded: who opens the device's file early waits. On
/// failure nothing of the heap was ever visible, unless creating the device failed halfway.
///
/// Fails with `EEXIST` if there is a heap of that name, `EBUSY` if all minors are taken, `ENOMEM`,
/// `ENODEV` if there is no character device (it is too early), or what creating the device gave.
/// Sleeps.
pub(crate) fn add(heap: Heap) -> Result<Arc<Heap>> {
    let chardev = chardev::get().ok_or(ENODEV)?;
    let heap = Arc::new(heap, GFP_KERNEL)?;
    let mut heaps = HEAPS.lock();

    if heaps.iter().flatten().any(|other| other.name == heap.name) {
        pr_err!("There is a heap named {} already\n", heap.name);
        return Err(EEXIST);
    }

    let mut slots = heaps.iter_mut().zip(0..MAX_HEAPS as u32);
    let Some((slot, minor)) = slots.find(|(slot, _)| slot.is_none()) else {
        pr_err!("No minor is left for heap {}\n", heap.name);
        return Err(EBUSY);
    };

    chardev
        .create_device(minor, heap.name)
        .inspect_err(|err| pr_err!("Cannot create the device of heap {}: {err:?}\n", heap.name))?;
    *slot = Some(heap.clone());
    Ok(heap)
}

/// The heap that `minor` belongs to, if there is one. Sleeps.
pub(crate) fn find(minor: usize) -> Option<Arc<Heap>> {
    HEAPS.lock().get(minor)?.clone()
}
