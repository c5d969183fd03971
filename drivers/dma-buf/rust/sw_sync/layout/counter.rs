// SPDX-License-Identifier: GPL-2.0

//! What trace events know a timeline as.

use kernel::{
    bindings,
    interop::export::Wrapper,
    prelude::*,
    sync::atomic::Atomic,
    types::Opaque, //
};

/// A `struct sync_timeline`, for what trace events look at.
///
/// # Invariants
///
/// Holds a reference count, the context of the fences, a name and the value; the rest of it is zero
/// and not used. Context and name are constant, count and value are accessed atomically.
#[repr(transparent)]
pub(crate) struct Counter(Opaque<bindings::sync_timeline>);

// SAFETY: Nothing in it is tied to a thread.
unsafe impl Send for Counter {}

// SAFETY: By the type invariant.
unsafe impl Sync for Counter {}

// SAFETY: Transparent.
unsafe impl Wrapper for Counter {
    type C = bindings::sync_timeline;
}

impl Counter {
    /// With one reference, a context of its own and the name of the calling thread, at 0.
    pub(crate) fn new() -> impl PinInit<Self> {
        // SAFETY: `slot` is memory for the structure, which is valid when all of it is zero. The
        // name of a thread may be copied while it changes.
        // INVARIANT: As initialised here.
        unsafe {
            pin_init::pin_init_from_closure(|slot: *mut Self| {
                let slot: *mut bindings::sync_timeline = slot.cast();

                slot.write(Default::default());
                // MODEL: none, because nobody else has it.
                bindings::refcount_set(&raw mut (*slot).kref.refcount, 1);
                (*slot).context = bindings::dma_fence_context_alloc(1);
                bindings::get_task_comm(
                    (&raw mut (*slot).name).cast(),
                    size_of_val(&(*slot).name),
                    kernel::current!().as_ptr(),
                );
                Ok(())
            })
        }
    }

    /// One more reference, unless there is none.
    pub(crate) fn get_unless_zero(&self) -> bool {
        // MODEL: sw-sync-registry
        // SAFETY: By the type invariant.
        unsafe { bindings::refcount_inc_not_zero(&raw mut (*self.0.get()).kref.refcount) }
    }

    /// One more reference, of which there must be one.
    pub(crate) fn get(&self) {
        // MODEL: none, because there is a reference already.
        // SAFETY: By the type invariant. A count of zero warns.
        unsafe { bindings::refcount_inc(&raw mut (*self.0.get()).kref.refcount) };
    }

    /// One reference less. Whether it was the last.
    pub(crate) fn put(&self) -> bool {
        // MODEL: fence-last-put, sw-sync-name
        // SAFETY: By the type invariant.
        unsafe { bindings::refcount_dec_and_test(&raw mut (*self.0.get()).kref.refcount) }
    }

    pub(crate) fn context(&self) -> u64 {
        // SAFETY: Constant by the type invariant.
        unsafe { (*self.0.get()).context }
    }

    /// A string for C, as long as this.
    pub(crate) fn name(&self) -> *const c_char {
        // SAFETY: Only the address is computed.
        unsafe { &raw const (*self.0.get()).name }.cast()
    }

    pub(crate) fn value(&self) -> &Atomic<i32> {
        // SAFETY: Accessed atomically by the type invariant; a trace event only reads it.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).value) }
    }
}
