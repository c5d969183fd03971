// SPDX-License-Identifier: GPL-2.0

//! What drivers call, and what is called to begin and to end. See
//! [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h), and for what the implementation
//! in C does not have [`include/linux/dma-heap-owned.h`](srctree/include/linux/dma-heap-owned.h).

use crate::{
    file::TABLE,
    heap::{
        Heap,
        InUse,
        OpenHeap, //
    },
    layout::{
        description::Description,
        owner::Owner, //
    },
    registry, //
};
#[cfg(CONFIG_MODULES)]
use kernel::interop::going::ModuleGoing;
use kernel::{
    bindings,
    fs::operations::PrivateData,
    interop::export::Wrapper,
    prelude::*,
    sync::Arc,
    InPlaceModule, //
};

// SAFETY: To C a heap is a pointer that it knows nothing about.
unsafe impl Wrapper for Heap {
    type C = bindings::dma_heap;
}

// SAFETY: Transparent. The reference that it owns keeps the heap.
unsafe impl PrivateData for OpenHeap {
    type Target = Heap;
}

// What is returned is the driver's reference.
fn add(info: &Description, owner: Owner) -> Result<Arc<Heap>> {
    let in_use = InUse::new(info, owner)?;
    let heap = in_use.heap().clone();

    registry::add(in_use)?;
    Ok(heap)
}

kernel::exports! {
    /// Adds a heap that stays for ever. May sleep.
    fn dma_heap_add(exp_info: Description) -> Result<Arc<Heap>> {
        add(&exp_info, Owner::NONE)
    }

    /// Adds a heap that can be removed. An open file of it keeps the module `owner`. May sleep.
    fn dma_heap_add_owned(exp_info: Description, owner: Owner) -> Result<Arc<Heap>> {
        add(&exp_info, owner)
    }

    /// Removes a heap. Its device goes, allocations through files that are still open fail with
    /// `ENODEV` from now on, and those that are under way are waited for: sleeps, and must not be
    /// called while the heap allocates.
    fn dma_heap_remove(heap: Arc<Heap>) {
        registry::remove(&heap);
    }

    /// The private data that the heap was added with.
    fn dma_heap_get_drvdata(heap: &Heap) -> *mut c_void {
        heap.data()
    }

    /// The name that the heap was added with.
    fn dma_heap_get_name(heap: &Heap) -> *const c_char {
        heap.name().as_char_ptr()
    }
}

/// What there is as long as the module is there.
#[pin_data]
struct DmaHeap {
    // Dropped in this order.
    #[pin]
    _left: Left,
    _registry: registry::Ready,
}

/// Modules that go and leave heaps behind.
///
/// Who removes a heap is its driver, before its module goes. One that has lost its heap cannot do
/// that, and must not be kept for it: to be unloaded is how modules take their heaps away. So what
/// is left is taken away after the driver's own exit, and before its code is freed.
#[cfg(CONFIG_MODULES)]
type Left = ModuleGoing;

#[cfg(not(CONFIG_MODULES))]
type Left = ();

#[cfg(CONFIG_MODULES)]
fn left() -> impl PinInit<Left, Error> {
    ModuleGoing::new(registry::remove_left_by)
}

#[cfg(not(CONFIG_MODULES))]
fn left() -> impl PinInit<Left, Error> {
    Ok::<(), Error>(())
}

impl InPlaceModule for DmaHeap {
    /// Called before any driver's initialisation.
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _registry: registry::init(TABLE.openable())?,
            _left <- left(),
        }? Error)
    }
}

kernel::c_module_state! {
    // SAFETY: `exports.c` calls the one at boot, or when the module is loaded, and the other one
    // when nothing uses the module any more: no file is open, and there is no heap, since whoever
    // adds heaps uses symbols of this module.
    unsafe {
        name: c"dma_heap",
        state: DmaHeap,
        init: rust_dma_heap_init,
        exit: rust_dma_heap_exit,
    }
}
