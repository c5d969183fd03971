// SPDX-License-Identifier: GPL-2.0

//! A heap, as its driver describes it.

use crate::{
    gate::Gate,
    layout::{
        description::{
            Allocate,
            Description, //
        },
        groups::Groups,
        owner::Owner, //
    }, //
};
use core::{
    mem::forget,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    error::from_err_ptr,
    interop::{
        export::Wrapper,
        module_ref::ModuleRef, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

/// A pool of memory. C drivers know it as `struct dma_heap`, which is opaque to them.
///
/// # Invariants
///
/// Until `gate` is closed and empty, what the heap was added with is there, `groups` too.
#[pin_data]
pub(crate) struct Heap {
    name: &'static CStr,
    allocate: Allocate,
    owner: Owner,
    groups: Groups,
    #[pin]
    gate: Gate,
}

impl Heap {
    /// Name of the heap, which is its device's name too.
    pub(crate) fn name(&self) -> &'static CStr {
        self.name
    }

    /// What its driver added the heap with.
    pub(crate) fn data(&self) -> *mut c_void {
        self.allocate.data()
    }

    /// The files of its device.
    pub(crate) fn groups(&self) -> Groups {
        self.groups
    }

    /// The module of its driver.
    #[cfg(CONFIG_MODULES)]
    pub(crate) fn owner(&self) -> Owner {
        self.owner
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

        // SAFETY: By the type invariant the function is there, since we are inside, and this is its
        // heap, or is going to be while adding it has not returned yet. It gives us a reference.
        unsafe {
            let buf = (self.allocate.function)(self.as_c(), len, fd_flags, heap_flags);
            let buf = NonNull::new(from_err_ptr(buf)?).ok_or(EINVAL)?;

            Ok(ARef::from_raw(buf.cast()))
        }
    }

    /// Waits for those who are still inside of [`allocate`](Self::allocate) after it was
    /// [closed](InUse). Sleeps.
    pub(crate) fn wait_until_unused(&self) {
        self.gate.wait_until_empty();
    }
}

/// A reference to a heap that is not closed. From when it is dropped [`Heap::allocate`] fails.
///
/// # Invariants
///
/// As that says. There is one for a heap.
pub(crate) struct InUse(Arc<Heap>);

impl InUse {
    /// Makes a heap, for [`registry::add`](crate::registry::add), of what its driver says. `owner`
    /// is the module that it needs, `groups` what its device is to have.
    ///
    /// Fails with `EINVAL` without a name or an operation to allocate, and with `ENOMEM`.
    pub(crate) fn new(info: &Description, owner: Owner, groups: Groups) -> Result<Self> {
        let name = info.name.filter(|name| !name.is_empty()).ok_or(EINVAL)?;
        let allocate = info.allocate.ok_or(EINVAL)?;

        // INVARIANT: What a `Description` and the others stand for. Nobody has closed it.
        Ok(Self(Arc::pin_init(
            pin_init!(Heap {
                name,
                allocate,
                owner,
                groups,
                gate <- Gate::new(),
            }),
            GFP_KERNEL,
        )?))
    }

    /// The heap, whether or not it stays in use.
    pub(crate) fn heap(&self) -> &Arc<Heap> {
        &self.0
    }
}

impl Drop for InUse {
    #[inline(never)]
    fn drop(&mut self) {
        self.0.gate.close();
    }
}

impl Deref for InUse {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        &self.0
    }
}

/// A reference to a heap, and one to the module of its driver: what an open file holds.
///
/// # Invariants
///
/// As that says: `Arc::into_raw()` has given the pointer.
#[repr(transparent)]
pub(crate) struct OpenHeap(NonNull<Heap>);

impl OpenHeap {
    /// Takes both references. Fails with `ENODEV` if the module is being unloaded.
    #[inline]
    pub(crate) fn new(heap: &InUse) -> Result<Self> {
        // SAFETY: NULL, or by the type invariants a module that is there. It is not the driver's
        // code that gives the reference back.
        let module = unsafe { ModuleRef::get(heap.owner.as_ptr()) }.ok_or(ENODEV)?;
        let heap = Arc::into_raw(heap.0.clone()).cast_mut();

        // The heap knows its module.
        forget(module);
        // INVARIANT: Taken just above. An `Arc` is no NULL.
        NonNull::new(heap).map(Self).ok_or(EINVAL)
    }
}

impl Drop for OpenHeap {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant both references are ours. The driver may go when its heap
        // is of no use any more, so its module comes last.
        unsafe {
            let heap = Arc::from_raw(self.0.as_ptr().cast_const());
            let owner = heap.owner.as_ptr();

            drop(heap);
            if !owner.is_null() {
                // MODEL: none, because the code that runs is not in that module.
                bindings::module_put(owner);
            }
        }
    }
}
