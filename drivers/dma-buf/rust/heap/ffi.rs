// SPDX-License-Identifier: GPL-2.0

//! What C drivers call. See [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h).

use crate::registry::{
    self,
    Heap, //
};
use kernel::{
    bindings::{
        dma_heap,
        dma_heap_export_info, //
    },
    prelude::*,
    sync::Arc,
};

/// Adds a heap. May sleep.
///
/// # Safety
///
/// `exp_info` must be valid, and what it holds as [`Heap::new`] says.
#[export]
pub(crate) unsafe extern "C" fn dma_heap_add(
    exp_info: *const dma_heap_export_info,
) -> *mut dma_heap {
    // SAFETY: The caller's guarantee.
    let heap = unsafe { Heap::new(&*exp_info) }.and_then(registry::add);

    match heap {
        // The driver's reference: it may use the heap for ever, there is no way to take it away.
        Ok(heap) => Arc::into_raw(heap).cast_mut().cast(),
        Err(err) => err.to_ptr(),
    }
}

/// The private data that the heap was added with.
///
/// # Safety
///
/// `heap` must be a heap that came from [`dma_heap_add`], or that is asked to allocate.
#[export]
pub(crate) unsafe extern "C" fn dma_heap_get_drvdata(heap: *mut dma_heap) -> *mut c_void {
    // SAFETY: The caller's guarantee.
    unsafe { Heap::from_raw(heap) }.data()
}

/// The name that the heap was added with.
///
/// # Safety
///
/// As for [`dma_heap_get_drvdata`].
#[export]
pub(crate) unsafe extern "C" fn dma_heap_get_name(heap: *mut dma_heap) -> *const c_char {
    // SAFETY: The caller's guarantee.
    unsafe { Heap::from_raw(heap) }.name().as_char_ptr()
}
