// SPDX-License-Identifier: GPL-2.0

//! The allocation of a fence, and what is in it.

use super::{
    deferred::Elsewhere,
    head::Head,
    ops::FenceContextOps,
    shared::Shared, //
};
use crate::{
    alloc::Flags,
    bindings,
    interop::module_ref::ModuleRef,
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc, //
    },
};
use core::mem;

/// A fence and its data.
#[repr(C)]
pub(super) struct Inner<T: FenceContextOps> {
    // First, as in there.
    pub(super) head: Head,
    // When there is a fence, the core frees the memory and does not drop what is in it.
    pub(super) owned: Owned<T>,
}

impl<T: FenceContextOps> Inner<T> {
    /// All but the C part. Fails with `ENOMEM`. May sleep if `flags` allow it.
    #[inline]
    pub(super) fn new(
        shared: &Arc<Shared<T>>,
        data: T::FenceDataType,
        flags: Flags,
    ) -> Result<KBox<Self>> {
        let needed = mem::needs_drop::<T::FenceDataType>() && !T::ATOMIC_DROP;

        // `Shared`, of which `owned` has a reference, has the names.
        Ok(KBox::new(
            Self {
                head: Head::new(&shared.names),
                owned: Owned {
                    data,
                    shared: shared.clone(),
                    module: None,
                    elsewhere: Elsewhere::new(needed, flags)?,
                },
            },
            flags,
        )?)
    }

    /// What is there of a fence that its owner has not closed.
    ///
    /// # Safety
    ///
    /// `fence` must be the beginning of an `Inner<T>`, not signalled, and its lock be held for
    /// `'a`.
    #[inline]
    pub(super) unsafe fn open<'a>(fence: *mut bindings::dma_fence) -> Option<&'a Self> {
        // SAFETY: The head is always there. So is what is owned if the fence is not closed: the
        // owner must signal or close it before taking that back, which needs the lock.
        unsafe {
            // MODEL: driver-fence
            let closed = (*fence.cast::<Head>()).closed.load(Relaxed);
            (!closed).then(|| &*fence.cast())
        }
    }
}

/// What goes when the owner is done with a fence.
pub(super) struct Owned<T: FenceContextOps> {
    pub(super) data: T::FenceDataType,
    pub(super) shared: Arc<Shared<T>>,
    /// Only a module that is about to be unloaded has none.
    pub(super) module: Option<ModuleRef>,
    elsewhere: Option<Elsewhere<T::FenceDataType>>,
}

impl<T: FenceContextOps> Owned<T> {
    /// Drops the data, here only if that may be done in any context, or if a work item might come
    /// when the module is gone, as it may be if its beginning fails.
    #[inline]
    pub(super) fn dispose(self) {
        Shared::put(self.shared, &self.module);

        match (self.elsewhere, self.module) {
            (Some(elsewhere), Some(module)) if module.is_live() => {
                elsewhere.dispose(self.data, module);
            }
            (_, module) => {
                drop(self.data);
                drop(module);
            }
        }
    }

    /// Gives back the data.
    #[inline]
    pub(super) fn into_data(self) -> T::FenceDataType {
        Shared::put(self.shared, &self.module);
        self.data
    }
}
