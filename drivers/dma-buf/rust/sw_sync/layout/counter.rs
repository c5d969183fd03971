// SPDX-License-Identifier: GPL-2.0

//! What trace events know a timeline as.

use crate::abi;
use core::mem::offset_of;
use kernel::{
    bindings::{
        self,
        sync_timeline, //
    },
    interop::{
        export::Wrapper,
        object::Object, //
    },
    prelude::*,
    same_layout,
    sync::{
        atomic::Atomic,
        Refcount, //
    }, //
};

/// A `struct sync_timeline`, for what trace events look at.
///
/// # Invariants
///
/// Name and context are constant, and the name ends with a zero. The rest is zero and not used.
#[repr(C)]
pub(crate) struct Counter {
    refs: Refcount,
    name: [c_char; 32],
    context: u64,
    value: Atomic<i32>,
    _rest: Object<[u8; size_of::<sync_timeline>() - END]>,
}

/// Where the value ends.
const END: usize = offset_of!(sync_timeline, value) + size_of::<i32>();

same_layout!(Counter, sync_timeline, refs: kref, name, context, value);

// SAFETY: Laid out in the same way, see above.
unsafe impl Wrapper for Counter {
    type C = sync_timeline;
}

impl Counter {
    /// With one reference, a context of its own and the name of the calling thread, at 0.
    pub(super) fn new() -> impl PinInit<Self> {
        // SAFETY: `slot` is memory for the structure, which is valid when all of it is zero. The
        // name of a thread may be copied while it changes.
        // INVARIANT: As initialised here.
        unsafe {
            pin_init::pin_init_from_closure(|slot: *mut Self| {
                let slot: *mut sync_timeline = slot.cast();

                slot.write(Default::default());
                // MODEL: none, because nobody else has it.
                bindings::refcount_set(&raw mut (*slot).kref.refcount, 1);
                (*slot).context = abi::dma_fence_context_alloc(1);
                bindings::get_task_comm(
                    (&raw mut (*slot).name).cast(),
                    size_of_val(&(*slot).name),
                    kernel::current!().as_ptr(),
                );
                Ok(())
            })
        }
    }

    pub(super) fn refs(&self) -> &Refcount {
        &self.refs
    }

    pub(super) fn context(&self) -> u64 {
        self.context
    }

    /// A string for C, with its end.
    pub(super) fn name(&self) -> &[c_char; 32] {
        &self.name
    }

    pub(super) fn name_as_c_str(&self) -> &CStr {
        // SAFETY: By the type invariant it is one.
        unsafe { CStr::from_char_ptr(self.name().as_ptr()) }
    }

    pub(crate) fn value(&self) -> &Atomic<i32> {
        &self.value
    }
}
