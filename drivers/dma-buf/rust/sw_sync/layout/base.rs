// SPDX-License-Identifier: GPL-2.0

//! The C part of a fence that we issue.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use kernel::{
    bindings,
    interop::export::Wrapper,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic, //
    },
    types::Opaque, //
};

/// A bit among the flags of a fence.
pub(crate) type Flag = bindings::dma_fence_flag_bits;

/// A fence, or its memory when the last reference is gone.
///
/// # Invariants
///
/// Initialised. Flags and error are accessed atomically, context and number are constant.
#[repr(transparent)]
pub(crate) struct Base(Opaque<bindings::dma_fence>);

// SAFETY: A fence is not tied to a thread.
unsafe impl Send for Base {}

// SAFETY: By the type invariant; for the rest the fence core does its own locking.
unsafe impl Sync for Base {}

// SAFETY: Transparent.
unsafe impl Wrapper for Base {
    type C = bindings::dma_fence;
}

impl Base {
    /// A fence with one reference and a lock of its own.
    ///
    /// # Safety
    ///
    /// The operations must be for what the fence is put into, all of which must be there already: a
    /// trace event makes use of them.
    pub(crate) unsafe fn new(
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

    /// One more reference, unless there is none.
    pub(crate) fn get_unless_zero(&self) -> bool {
        // MODEL: sw-sync-dying
        // SAFETY: The count stays valid while the fence is dying.
        unsafe { bindings::refcount_inc_not_zero(&raw mut (*self.as_c()).refcount.refcount) }
    }

    pub(crate) fn seqno(&self) -> u64 {
        // SAFETY: Constant by the type invariant.
        unsafe { (*self.as_c()).seqno }
    }

    pub(crate) fn has(&self, flag: Flag) -> bool {
        // SAFETY: Accessed atomically by the type invariant.
        let flags = unsafe { Atomic::from_ptr(&raw mut (*self.as_c()).flags) };

        // MODEL: fence-timestamp, sw-sync-deadline
        flags.load(Acquire) & (1 << flag) != 0
    }

    /// Sets a flag. This orders, too: who finds it finds what was done before.
    pub(crate) fn set(&self, flag: Flag) {
        // MODEL: sw-sync-deadline
        // SAFETY: As above.
        unsafe { bindings::test_and_set_bit(flag as usize, &raw mut (*self.as_c()).flags) };
    }

    /// Only the issuer sets an error, with this; others look at it once the fence is signalled,
    /// when it does not change any more.
    pub(crate) fn error(&self) -> &Atomic<c_int> {
        // SAFETY: Accessed atomically by the type invariant.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_c()).error) }
    }

    /// When the fence was signalled.
    pub(crate) fn timestamp(&self) -> Option<bindings::ktime_t> {
        // MODEL: fence-timestamp
        self.has(bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_TIMESTAMP_BIT)
            // SAFETY: With this flag it is the timestamp that is in the union, until the fence is
            // freed, and it does not change.
            .then(|| unsafe { (*self.as_c()).__bindgen_anon_2.timestamp })
    }
}

/// Whether `ops` are the operations of `fence`.
pub(crate) fn has_ops(
    fence: &impl Wrapper<C = bindings::dma_fence>,
    ops: *const bindings::dma_fence_ops,
) -> bool {
    // SAFETY: The fence is alive. The fence core may take the operations off fences that others
    // have issued, at any time, and does so with a single write.
    let current = unsafe { Atomic::from_ptr(&raw mut (*fence.as_c()).ops) };

    // MODEL: none, because it is only compared.
    core::ptr::eq(current.load(kernel::sync::atomic::Relaxed), ops)
}
