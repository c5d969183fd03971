// SPDX-License-Identifier: GPL-2.0

//! What drivers call. See [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h), and for
//! what C drivers know nothing of
//! [`dma_heap_core.h`](srctree/drivers/dma-buf/rust/heap/dma_heap_core.h).

use crate::{
    heap::Heap,
    registry, //
};
use kernel::{
    bindings::{
        dma_heap,
        dma_heap_export_info,
        module, //
    },
    prelude::*,
    sync::Arc,
};

/// Adds a heap that stays for ever. May sleep.
///
/// # Safety
///
/// `exp_info` must be valid, and what it holds as [`Heap::new`] says.
#[export]
pub(crate) unsafe extern "C" fn dma_heap_add(
    exp_info: *const dma_heap_export_info,
) -> *mut dma_heap {
    // SAFETY: The caller's guarantee. What stays for ever needs no module.
    unsafe { dma_heap_add_owned(exp_info, core::ptr::null_mut()) }
}

/// Adds a heap that can be removed. An open file of it keeps the module `owner`. May sleep.
///
/// # Safety
///
/// `exp_info` must be valid, `owner` NULL or a module that is running, and both as [`Heap::new`]
/// says.
#[export]
pub(crate) unsafe extern "C" fn dma_heap_add_owned(
    exp_info: *const dma_heap_export_info,
    owner: *mut module,
) -> *mut dma_heap {
    // SAFETY: The caller's guarantee.
    let heap = unsafe { Heap::new(&*exp_info, owner) };

    match heap.and_then(|heap| registry::add(&heap).map(|()| heap)) {
        // The driver's reference.
        Ok(heap) => Arc::into_raw(heap).cast_mut().cast(),
        Err(err) => err.to_ptr(),
    }
}

/// Removes a heap. Its device goes, allocations through files that are still open fail with
/// `ENODEV` from now on, and those that are under way are waited for: sleeps, and must not be
/// called while the heap allocates.
///
/// # Safety
///
/// `heap` must come from [`dma_heap_add_owned`], and not be used any more by the caller.
#[export]
pub(crate) unsafe extern "C" fn dma_heap_remove(heap: *mut dma_heap) {
    // SAFETY: The caller's guarantee: this is the driver's reference.
    let heap: Arc<Heap> = unsafe { Arc::from_raw(heap.cast_const().cast()) };

    registry::remove(&heap);
}

/// The private data that the heap was added with.
///
/// # Safety
///
/// `heap` must be a heap that was added, or that is asked to allocate.
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
