// SPDX-License-Identifier: GPL-2.0

//! Dropping things where it is allowed to sleep.
//!
//! [`Deferred`] is neither generic nor inlined, so that it is in the kernel and not in a driver's
//! module: the last that happens is that the module's reference is given back, and then its code
//! may go.

use super::memory::Memory;
use crate::{
    alloc::Flags,
    interop::module_ref::ModuleRef,
    new_work,
    prelude::*,
    workqueue::{
        self,
        impl_has_work,
        Work,
        WorkItem, //
    },
};
/// What is needed to have something dropped by a work item: having it is all that can fail.
pub(super) struct Elsewhere<T> {
    deferred: Pin<KBox<Deferred>>,
    memory: Memory<T>,
}

impl<T: Send + Sync + 'static> Elsewhere<T> {
    /// Gives `None` if it is not `needed`. Fails with `ENOMEM`. May sleep if `flags`
    /// allow it.
    #[inline]
    pub(super) fn new(needed: bool, flags: Flags) -> Result<Option<Self>> {
        if !needed {
            return Ok(None);
        }
        Ok(Some(Self {
            deferred: Deferred::new(flags)?,
            memory: Memory::new(flags)?,
        }))
    }

    /// Has `data` dropped, and then `module`, which its code is in. May be called in any context.
    #[inline]
    pub(super) fn dispose(self, data: T, module: ModuleRef) {
        self.deferred.drop_later(self.memory.write(data), module);
    }
}

#[pin_data]
struct Deferred {
    // Dropped in this order.
    value: Option<KBox<dyn Send + Sync>>,
    module: Option<ModuleRef>,
    #[pin]
    work: Work<Deferred>,
}

impl_has_work! {
    impl HasWork<Self> for Deferred { self.work }
}

impl WorkItem for Deferred {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>) {
        drop(this);
    }
}

impl Deferred {
    /// Fails with `ENOMEM`. May sleep if `flags` allow it.
    #[inline(never)]
    fn new(flags: Flags) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                value: None,
                module: None,
                work <- new_work!("dma_buf::Deferred::work"),
            }),
            flags,
        )
    }

    #[inline(never)]
    fn drop_later(mut self: Pin<KBox<Self>>, value: KBox<dyn Send + Sync>, module: ModuleRef) {
        let this = self.as_mut().project();

        *this.value = Some(value);
        *this.module = Some(module);
        // What is dropped may wait for fences, so this is no queue that reclaim waits for.
        workqueue::system_unbound().enqueue(self);
    }
}
