// SPDX-License-Identifier: GPL-2.0

//! What trace events know a timeline as.

use crate::abi;
use kernel::{
    bindings,
    interop::{
        export::Wrapper,
        object::Object, //
    },
    prelude::*,
    sync::{
        atomic::Atomic,
        Refcount, //
    }, //
};

/// A `struct sync_timeline`, for what trace events look at.
///
/// # Invariants
///
/// Holds a reference count, the context of the fences, a name and the value; the rest of it is zero
/// and not used. Context and name are constant, count and value are accessed atomically.
#[repr(transparent)]
pub(crate) struct Counter(Object<bindings::sync_timeline>);

// SAFETY: Transparent.
unsafe impl Wrapper for Counter {
    type C = bindings::sync_timeline;
}

/// What is in a counter.
struct Fields<'a> {
    refs: &'a Refcount,
    context: u64,
    name: &'a [c_char; 32],
    value: &'a Atomic<i32>,
}

impl Counter {
    /// With one reference, a context of its own and the name of the calling thread, at 0.
    pub(super) fn new() -> impl PinInit<Self> {
        // SAFETY: `slot` is memory for the structure, which is valid when all of it is zero. The
        // name of a thread may be copied while it changes.
        // INVARIANT: As initialised here.
        unsafe {
            pin_init::pin_init_from_closure(|slot: *mut Self| {
                let slot: *mut bindings::sync_timeline = slot.cast();

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

    fn fields(&self) -> Fields<'_> {
        let timeline = self.0.get();

        // SAFETY: By the type invariant these are there, and accessed as the types say; a trace
        // event only reads the value.
        unsafe {
            Fields {
                refs: &*(&raw mut (*timeline).kref.refcount).cast(),
                context: (*timeline).context,
                name: &(*timeline).name,
                value: Atomic::from_ptr(&raw mut (*timeline).value),
            }
        }
    }

    pub(super) fn refs(&self) -> &Refcount {
        self.fields().refs
    }

    pub(super) fn context(&self) -> u64 {
        self.fields().context
    }

    /// A string for C, with its end.
    pub(super) fn name(&self) -> &[c_char; 32] {
        self.fields().name
    }

    pub(super) fn name_as_c_str(&self) -> &CStr {
        // SAFETY: By the type invariant it is one.
        unsafe { CStr::from_char_ptr(self.name().as_ptr()) }
    }

    pub(crate) fn value(&self) -> &Atomic<i32> {
        self.fields().value
    }
}
