// SPDX-License-Identifier: GPL-2.0

//! What drivers call, and what is called to begin and to end. See
//! [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h), and for what the implementation
//! in C does not have [`include/linux/dma-heap-owned.h`](srctree/include/linux/dma-heap-owned.h).

use crate::{
    heap::{
        Heap,
        OpenHeap, //
    },
    layout::{
        description::Description,
        groups::Groups,
        owner::Owner, //
    },
    registry,
    state::DmaHeap, //
};
use kernel::{
    bindings,
    fs::operations::PrivateData,
    interop::export::Wrapper,
    prelude::*,
    sync::Arc, //
};

// SAFETY: To C a heap is a pointer that it knows nothing about.
unsafe impl Wrapper for Heap {
    type C = bindings::dma_heap;
}

// SAFETY: Transparent. The reference that it owns keeps the heap.
unsafe impl PrivateData for OpenHeap {
    type Target = Heap;
}

kernel::exports! {
    /// Adds a heap that stays for ever. May sleep.
    fn dma_heap_add(exp_info: Description) -> Result<Arc<Heap>> {
        registry::add_described(&exp_info, Owner::NONE, Groups::NONE)
    }

    /// Adds a heap that can be removed. An open file of it keeps the module `owner`; its device has
    /// the files of `groups`. May sleep.
    fn dma_heap_add_owned(
        exp_info: Description,
        owner: Owner,
        groups: *mut *const bindings::attribute_group,
    ) -> Result<Arc<Heap>> {
        registry::add_described(&exp_info, owner, groups.into())
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
