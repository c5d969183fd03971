// SPDX-License-Identifier: GPL-2.0

//! What C calls for arrays, for chains and to look into both.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-fence-array.h`](srctree/include/linux/dma-fence-array.h),
//! [`dma-fence-chain.h`](srctree/include/linux/dma-fence-chain.h) and
//! [`dma-fence-unwrap.h`](srctree/include/linux/dma-fence-unwrap.h).

use crate::fence::{
    array::{
        self,
        Array, //
    },
    chain::{
        self,
        Link, //
    },
    layout::{
        fence::New,
        set::FenceSet, //
    },
    set,
    unwrap::{
        self,
        Cursor, //
    }, //
};
use core::{
    mem::forget,
    ptr, //
};
use kernel::{
    bindings::{
        dma_fence,
        dma_fence_array,
        dma_fence_unwrap, //
    },
    dma_buf::Fence,
    interop::export::{
        IntoC,
        Out,
        Wrapper, //
    },
    prelude::*,
    sync::aref::ARef, //
};

// SAFETY: The layout is the same.
unsafe impl Wrapper for Cursor {
    type C = dma_fence_unwrap;
}

kernel::exports! {
    fn dma_fence_array_alloc(num_fences: c_int) -> *mut dma_fence_array {
        Array::allocate_number(num_fences).map_or(ptr::null_mut(), |memory| memory.0.cast())
    }

    // The first reference is the caller's.
    fn dma_fence_array_init(
        array: New<Array>,
        num_fences: c_int,
        fences: *mut *mut dma_fence,
        context: u64,
        seqno: c_uint,
    ) {
        // SAFETY: The caller gives up the fences, and the memory they are in.
        let fences = unsafe { FenceSet::from_raw(fences, num_fences as u32 as usize) };

        forget(Array::init(array, fences, context, seqno.into()));
    }

    // Takes over the fences if it does not fail.
    fn dma_fence_array_create(
        num_fences: c_int,
        fences: *mut *mut dma_fence,
        context: u64,
        seqno: c_uint,
    ) -> *mut dma_fence_array {
        let Ok(memory) = Array::allocate_number(num_fences) else {
            return ptr::null_mut();
        };
        // SAFETY: The caller gives up the fences, and the memory they are in.
        let fences = unsafe { FenceSet::from_raw(fences, num_fences as usize) };

        Array::init(memory, fences, context, seqno.into())
            .into_c()
            .cast()
    }

    fn dma_fence_match_context(fence: &Fence, context: u64) -> bool {
        array::is_of(fence, context)
    }

    fn dma_fence_array_first(head: Option<&Fence>) -> *mut dma_fence {
        head.and_then(array::first).into_c()
    }

    fn dma_fence_array_next(head: Option<&Fence>, index: c_uint) -> *mut dma_fence {
        head.and_then(|head| array::nth(head, index)).into_c()
    }

    // The first reference is the caller's.
    fn dma_fence_chain_init(
        chain: New<Link>,
        prev: Option<ARef<Fence>>,
        fence: ARef<Fence>,
        seqno: u64,
    ) {
        forget(Link::init(chain, prev, fence, seqno));
    }

    fn dma_fence_chain_walk(fence: Option<ARef<Fence>>) -> Option<ARef<Fence>> {
        fence.and_then(chain::walk)
    }

    // On success takes over the reference there, and leaves another one.
    fn dma_fence_chain_find_seqno(pfence: *mut *mut dma_fence, seqno: u64) -> Result {
        if seqno == 0 {
            return Ok(());
        }

        // SAFETY: The caller has a reference, or none, there.
        let place = unsafe { &mut *pfence.cast::<Option<ARef<Fence>>>() };

        chain::check_reaches(place.as_deref(), seqno)?;
        *place = place.take().and_then(|head| chain::find(head, seqno));
        Ok(())
    }

    fn dma_fence_unwrap_first(
        head: Option<&Fence>,
        cursor: Out<'_, dma_fence_unwrap>,
    ) -> *mut dma_fence {
        let mut start = Cursor::new();
        let first = start.enter(head.map(ARef::from)).into_c();

        cursor.put(start.into_raw());
        first
    }

    fn dma_fence_unwrap_next(cursor: &mut Cursor) -> *mut dma_fence {
        cursor.next().into_c()
    }

    fn __dma_fence_unwrap_merge(
        num_fences: usize,
        fences: *mut *mut dma_fence,
        _cursors: *mut dma_fence_unwrap,
    ) -> Option<ARef<Fence>> {
        // SAFETY: The caller has an array of so many fences, or NULLs.
        let heads = unsafe { core::slice::from_raw_parts(fences.cast(), num_fences) };

        unwrap::merge(heads).ok()
    }

    fn dma_fence_dedup_array(fences: *mut *mut dma_fence, num_fences: usize) -> usize {
        if num_fences == 0 {
            return 0;
        }
        // SAFETY: The caller has an array of so many references, and forgets those behind the ones
        // that are left.
        set::deduplicate(unsafe { core::slice::from_raw_parts_mut(fences.cast(), num_fences) })
    }
}
