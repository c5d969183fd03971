// SPDX-License-Identifier: GPL-2.0

//! The functions of the C API that take any fence.
//!
//! C headers: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h),
//! [`include/linux/dma-fence-chain.h`](srctree/include/linux/dma-fence-chain.h),
//! [`include/linux/dma-fence-unwrap.h`](srctree/include/linux/dma-fence-unwrap.h)

use super::{
    cursor::Cursor,
    declare::{
        as_c,
        c_functions, //
    },
    raw::{
        Fence,
        OwnedFence, //
    }, //
};
use crate::{
    bindings,
    prelude::*,
    seq_file::SeqFile, //
};

as_c! {
    Fence => bindings::dma_fence,
    OwnedFence => *mut bindings::dma_fence,
    Option<OwnedFence> => *mut bindings::dma_fence,
    SeqFile => bindings::seq_file,
    Cursor => bindings::dma_fence_unwrap,
}

c_functions! {
    // SAFETY: `&Fence` is a valid fence, which is all that these want to have, and they take any
    // number. Those that give a fence back give a reference with it, and those that take an
    // `OwnedFence` take over the one it stands for. A fence that a cursor has come to stays up to
    // the next step.
    unsafe extern "C" {
        safe fn dma_fence_get_stub() -> OwnedFence;
        safe fn dma_fence_allocate_private_stub(timestamp: bindings::ktime_t) -> Option<OwnedFence>;
        safe fn dma_fence_context_alloc(num: c_uint) -> u64;

        safe fn dma_fence_enable_signaling(fence: &Fence);
        safe fn dma_fence_set_deadline(fence: &Fence, deadline: bindings::ktime_t);
        safe fn dma_fence_describe(fence: &Fence, m: &SeqFile);
        safe fn dma_fence_wait_timeout(
            fence: &Fence,
            interruptible: bool,
            timeout: c_long,
        ) -> c_long;

        /// Gives the flags that unlocking needs.
        #[link_name = "rust_helper_dma_fence_lock_irqsave"]
        safe fn dma_fence_lock_irqsave(fence: &Fence) -> c_ulong;

        /// Leaves another fence in the place of this one, or nothing; the same one if it fails.
        safe fn dma_fence_chain_find_seqno(fence: &mut Option<OwnedFence>, seqno: u64) -> c_int;
        safe fn dma_fence_chain_walk(fence: OwnedFence) -> Option<OwnedFence>;

        safe fn dma_fence_unwrap_first<'a>(
            head: &Fence,
            cursor: &'a mut Cursor,
        ) -> Option<&'a Fence>;
        safe fn dma_fence_unwrap_next<'a>(cursor: &'a mut Cursor) -> Option<&'a Fence>;
    }
}
