// SPDX-License-Identifier: GPL-2.0

//! What a driver says about its heap.
//!
//! C header: [`include/linux/dma-heap.h`](srctree/include/linux/dma-heap.h)

use core::ptr::NonNull;
use kernel::{
    bindings,
    dma_buf::DmaBuf,
    error::from_err_ptr,
    interop::export::{
        FromC,
        Wrapper, //
    },
    prelude::*,
    sync::aref::ARef, //
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
/// nobody is inside of it.
#[derive(Clone, Copy)]
pub(crate) struct Allocate {
    function: Function,
    data: *mut c_void,
}

// SAFETY: `data` is only passed back to whoever added the heap, and `function` may be called from
// any thread by the contract of `struct dma_heap_ops`.
unsafe impl Send for Allocate {}

// SAFETY: As above.
unsafe impl Sync for Allocate {}

impl Allocate {
    /// What the driver added the heap with.
    pub(crate) fn data(&self) -> *mut c_void {
        self.data
    }

    /// Has the driver allocate a buffer from `heap`. Fails as it likes. Sleeps.
    ///
    /// # Safety
    ///
    /// `heap` must be the heap that was added with this, and the caller be inside of it.
    pub(crate) unsafe fn call(
        &self,
        heap: &impl Wrapper<C = bindings::dma_heap>,
        len: usize,
        fd_flags: u32,
        heap_flags: u64,
    ) -> Result<ARef<DmaBuf>> {
        // SAFETY: By the type invariant the function is there while the caller is inside. It gets
        // the heap that it belongs to, or, while adding it has not returned yet, is going to belong
        // to. It gives a buffer, together with a reference to it.
        unsafe {
            let buf = from_err_ptr((self.function)(heap.as_c(), len, fd_flags, heap_flags))?;

            Ok(ARef::from_raw(NonNull::new(buf).ok_or(EINVAL)?.cast()))
        }
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
                data: info.priv_,
            }),
        }
    }
}
