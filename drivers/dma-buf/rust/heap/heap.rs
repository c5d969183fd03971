// SPDX-License-Identifier: GPL-2.0

//! A heap, as its driver describes it.

use crate::{
    gate::Gate,
    layout::{
        description::{
            Allocate,
            Description, //
        },
        owner::{
            Kept,
            Owner, //
        },
    }, //
};
use kernel::{
    dma_buf::DmaBuf,
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
/// Until `gate` is closed and empty, what the heap was added with is there.
#[pin_data]
pub(crate) struct Heap {
    name: &'static CStr,
    allocate: Allocate,
    owner: Owner,
    #[pin]
    gate: Gate,
}

impl Heap {
    /// Makes a heap, for [`registry::add`](crate::registry::add), of what its driver says. `owner`
    /// is the module that it needs.
    ///
    /// Fails with `EINVAL` without a name or an operation to allocate, and with `ENOMEM`.
    pub(crate) fn new(info: &Description, owner: Owner) -> Result<Arc<Self>> {
        let Some(name) = info.name.filter(|name| !name.is_empty()) else {
            pr_err!("A heap must have a name\n");
            return Err(EINVAL);
        };
        let Some(allocate) = info.allocate else {
            pr_err!("Heap {name} cannot allocate\n");
            return Err(EINVAL);
        };

        // INVARIANT: What a `Description` and an `Owner` stand for.
        Arc::pin_init(
            pin_init!(Self {
                name,
                allocate,
                owner,
                gate <- Gate::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// Name of the heap, which is its device's name too.
    pub(crate) fn name(&self) -> &'static CStr {
        self.name
    }

    /// What its driver added the heap with.
    pub(crate) fn data(&self) -> *mut c_void {
        self.allocate.data()
    }

    /// The module of its driver.
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

        // SAFETY: It is this heap's, and we are inside.
        unsafe { self.allocate.call(self, len, fd_flags, heap_flags) }
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
pub(crate) struct OpenHeap {
    // Dropped in this order: the driver may go when its heap is of no use any more.
    heap: Arc<Heap>,
    module: Kept,
}

impl OpenHeap {
    /// The heap, whose reference and whose module's the caller owns from now on.
    pub(crate) fn into_parts(self) -> (Arc<Heap>, Kept) {
        (self.heap, self.module)
    }

    /// Undoes [`into_parts`](Self::into_parts).
    pub(crate) fn from_parts(heap: Arc<Heap>, module: Kept) -> Self {
        Self { heap, module }
    }

    /// Takes both references. Fails with `ENODEV` if the module is being unloaded.
    ///
    /// # Safety
    ///
    /// The heap must not be closed meanwhile.
    pub(crate) unsafe fn new(heap: &Arc<Heap>) -> Result<Self> {
        Ok(Self {
            // SAFETY: By this function's contract.
            module: unsafe { heap.owner.keep() }?,
            heap: heap.clone(),
        })
    }
}
