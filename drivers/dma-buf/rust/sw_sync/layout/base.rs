// SPDX-License-Identifier: GPL-2.0

//! The C part of a fence that we issue.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use kernel::{
    bindings,
    interop::object::Object,
    prelude::*,
    same_layout,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed, //
        },
        Refcount, //
    }, //
};

/// A bit among the flags of a fence.
type Flag = bindings::dma_fence_flag_bits;

/// A fence, or its memory when the last reference is gone.
///
/// # Invariants
///
/// Initialised. The number is constant.
#[repr(C)]
pub(super) struct Base {
    _lock: Object<bindings::dma_fence__bindgen_ty_1>,
    _ops: Object<*const bindings::dma_fence_ops>,
    /// The callbacks, then the time of the signal, then what RCU needs.
    phase: Object<bindings::dma_fence__bindgen_ty_2>,
    _context: Object<u64>,
    seqno: u64,
    flags: Atomic<usize>,
    refs: Refcount,
    error: Atomic<c_int>,
}

same_layout!(
    Base, bindings::dma_fence, phase: __bindgen_anon_2, seqno, flags, refs: refcount, error
);

impl Base {
    /// A fence with one reference and a lock of its own.
    ///
    /// # Safety
    ///
    /// The operations must be for what the fence is put into, all of which must be there already: a
    /// trace event makes use of them.
    pub(super) unsafe fn new(
        ops: &'static bindings::dma_fence_ops,
        context: u64,
        seqno: u64,
    ) -> impl PinInit<Self> {
        // SAFETY: `slot` is memory for a fence. The operations are static.
        unsafe {
            pin_init::pin_init_from_closure(move |slot: *mut Self| {
                bindings::dma_fence_init(slot.cast(), ops, core::ptr::null_mut(), context, seqno);
                Ok(())
            })
        }
    }

    /// How many references there are. The count stays valid while the fence is dying.
    pub(super) fn refs(&self) -> &Refcount {
        &self.refs
    }

    pub(super) fn seqno(&self) -> u64 {
        self.seqno
    }

    fn has(&self, flag: Flag) -> bool {
        // MODEL: fence-error, fence-timestamp
        self.flags.load(Acquire) & (1 << flag) != 0
    }

    /// How the fence was signalled: 1 if without error, or a negative error code. 0 if it was not.
    pub(super) fn status(&self) -> c_int {
        if !self.has(bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SIGNALED_BIT) {
            return 0;
        }
        // MODEL: fence-error
        match self.error.load(Relaxed) {
            0 => 1,
            error => error,
        }
    }

    /// Only the issuer sets an error; others look at it once the fence is signalled, when it does
    /// not change any more.
    pub(super) fn set_error(&self, error: Error) {
        // MODEL: fence-error
        self.error.store(error.to_errno(), Relaxed);
    }

    /// When the fence was signalled.
    pub(super) fn timestamp(&self) -> Option<bindings::ktime_t> {
        // MODEL: fence-timestamp
        self.has(bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_TIMESTAMP_BIT)
            // SAFETY: With this flag it is the timestamp that is in the union, until the fence is
            // freed, and it does not change.
            .then(|| unsafe { (*self.phase.get()).timestamp })
    }
}
