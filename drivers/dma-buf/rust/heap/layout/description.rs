// SPDX-License-Identifier: GPL-2.0

//! What a driver says about its heap.
//!
//! C header: [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h)

use core::ptr::NonNull;
use kernel::{
    bindings,
    interop::{
        any_thread::AnyThread,
        export::FromC, //
    },
    prelude::*, //
};

/// The function of a `struct dma_heap_ops` that allocates a buffer.
type Function = unsafe extern "C" fn(
    heap: *mut bindings::dma_heap,
    len: c_ulong,
    fd_flags: u32,
    heap_flags: u64,
) -> *mut bindings::dma_buf;

/// How a heap allocates, and what it was added with.
///
/// # Invariants
///
/// `function` is what the heap was added with. It and `data` are there until the heap is closed and
/// nobody is inside of it. Until then it may be called from any thread, with that heap, and gives a
/// buffer together with a reference to it, or an error.
#[derive(Clone, Copy)]
pub(crate) struct Allocate {
    pub(crate) function: Function,
    data: Option<AnyThread<c_void>>,
}

impl Allocate {
    /// What the driver added the heap with.
    pub(crate) fn data(&self) -> *mut c_void {
        self.data.map_or(core::ptr::null_mut(), AnyThread::as_ptr)
    }
}

/// A `struct dma_heap_export_info`, as it was filled in.
pub(crate) struct Description {
    pub(crate) name: Option<&'static CStr>,
    pub(crate) allocate: Option<Allocate>,
}

/// What `dma_heap_add()` asks for: a valid structure that holds NULL or valid pointers. Once the
/// heap is added, the name, the operations and the private data stay as they are until it is
/// closed and nobody is inside of it.
impl FromC for Description {
    type C = *const bindings::dma_heap_export_info;

    #[inline]
    unsafe fn from_c(value: Self::C) -> Self {
        // SAFETY: By the contract above.
        let (info, name, function) = unsafe {
            let info = &*value;

            // MODEL: none, because the caller keeps it as it is.
            (
                info,
                (!info.name.is_null()).then(|| CStr::from_char_ptr(info.name)),
                info.ops.as_ref().and_then(|ops| ops.allocate),
            )
        };

        Self {
            name,
            // INVARIANT: The contract above.
            allocate: function.map(|function| Allocate {
                function,
                data: NonNull::new(info.priv_).map(AnyThread::new),
            }),
        }
    }
}
