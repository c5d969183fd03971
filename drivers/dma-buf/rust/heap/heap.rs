// SPDX-License-Identifier: GPL-2.0

//! A heap, as its driver describes it.

use crate::gate::Gate;
use core::{
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    error::from_err_ptr,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

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
/// to it. Until `gate` is closed and empty, both are there, and so is the name. The module `owner`,
/// unless NULL, is there until `gate` is closed.
#[pin_data]
pub(crate) struct Heap {
    name: &'static CStr,
    allocate: Allocate,
    data: *mut c_void,
    owner: *mut bindings::module,
    #[pin]
    gate: Gate,
}

// SAFETY: `data` is only passed back to whoever added the heap, and `allocate` is called from any
// thread by the contract of `struct dma_heap_ops`. References to a module may be taken and dropped
// anywhere.
unsafe impl Send for Heap {}

// SAFETY: As for `Send`; of a heap nothing changes but the gate, which may be shared.
unsafe impl Sync for Heap {}

impl Heap {
    /// Describes a heap, for [`registry::add`](crate::registry::add).
    ///
    /// Fails with `EINVAL` without a name or an operation to allocate, and with `ENOMEM`.
    ///
    /// # Safety
    ///
    /// What `dma_heap_add()` and `dma_heap_add_owned()` ask of their callers: `info` holds NULL or
    /// valid pointers; once the heap is added, the name, the operations and the private data stay
    /// as they are until [`Heap::wait_until_unused`] returns. `owner` is NULL or the module that
    /// they need.
    pub(crate) unsafe fn new(
        info: &bindings::dma_heap_export_info,
        owner: *mut bindings::module,
    ) -> Result<Arc<Self>> {
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

        // INVARIANT: All are from `info` and stay as long as the caller guarantees.
        Arc::pin_init(
            pin_init!(Self {
                name,
                allocate,
                data: info.priv_,
                owner,
                gate <- Gate::new(),
            }),
            GFP_KERNEL,
        )
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

    /// Whether the heap's code is in this module.
    #[cfg_attr(not(CONFIG_MODULES), allow(dead_code))]
    pub(crate) fn is_owned_by(&self, module: NonNull<bindings::module>) -> bool {
        core::ptr::eq(self.owner, module.as_ptr())
    }

    /// Allocates a buffer of `len` bytes, which must be a multiple of the page size and not zero.
    ///
    /// Fails with `ENODEV` if the heap was removed, otherwise as the heap likes, usually with
    /// `ENOMEM`, or `EINTR` when the process is being killed. Sleeps.
    pub(crate) fn allocate(
        &self,
        len: usize,
        fd_flags: u32,
        heap_flags: u64,
    ) -> Result<ARef<DmaBuf>> {
        let _passage = self.gate.enter().ok_or(ENODEV)?;

        // SAFETY: By the type invariant this is the heap's own function, and there while we are
        // inside. It gets the heap that it belongs to, or, while adding it has not returned yet,
        // is going to belong to.
        let buf =
            from_err_ptr(unsafe { (self.allocate)(self.as_raw(), len, fd_flags, heap_flags) })?;

        // SAFETY: The function gives a buffer, together with a reference to it.
        Ok(unsafe { ARef::from_raw(NonNull::new(buf).ok_or(EINVAL)?.cast()) })
    }

    /// Makes [`allocate`](Self::allocate) fail from now on. To be called once.
    pub(crate) fn close(&self) {
        self.gate.close();
    }

    /// Waits for those who are still inside of [`allocate`](Self::allocate) after
    /// [`close`](Self::close). Sleeps.
    pub(crate) fn wait_until_unused(&self) {
        self.gate.wait_until_empty();
    }
}

/// A reference to a heap, and one to the module of its driver: what an open file holds.
///
/// # Invariants
///
/// Owns a reference to the heap's `owner`.
pub(crate) struct OpenHeap(Arc<Heap>);

impl OpenHeap {
    /// Takes both references. Fails with `ENODEV` if the module is being unloaded.
    ///
    /// # Safety
    ///
    /// The heap must not be closed meanwhile.
    pub(crate) unsafe fn new(heap: &Arc<Heap>) -> Result<Self> {
        // SAFETY: By the invariant of `Heap` the module, if there is one, is still there.
        if !unsafe { bindings::try_module_get(heap.owner) } {
            return Err(ENODEV);
        }
        // INVARIANT: Taken just above.
        Ok(Self(heap.clone()))
    }

    /// Turns it into a pointer, as which it can be kept in C structures.
    pub(crate) fn into_raw(self) -> *const Heap {
        Arc::as_ptr(&ManuallyDrop::new(self).0)
    }

    /// Undoes [`into_raw`](Self::into_raw).
    ///
    /// # Safety
    ///
    /// `ptr` must come from `into_raw`, and be passed here once.
    pub(crate) unsafe fn from_raw(ptr: *const Heap) -> Self {
        // SAFETY: `into_raw` kept this reference.
        // INVARIANT: And the one to the module.
        Self(unsafe { Arc::from_raw(ptr) })
    }
}

impl Deref for OpenHeap {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        &self.0
    }
}

impl Drop for OpenHeap {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the reference is ours.
        unsafe { bindings::module_put(self.0.owner) };
    }
}
