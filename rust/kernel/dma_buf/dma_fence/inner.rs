// SPDX-License-Identifier: GPL-2.0

//! The allocation of a fence, and what is in it.

use super::{
    deferred::Elsewhere,
    head::Head,
    memory::Memory,
    ops::FenceOps,
    timeline::{
        Place,
        Timeline, //
    },
};
use crate::{
    alloc::Flags,
    bindings,
    dma_buf::module_ref::ModuleRef,
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc, //
    },
};
use core::mem::ManuallyDrop;

/// A fence and its data.
#[repr(C)]
pub(super) struct Inner<T> {
    // First, as in there.
    pub(super) head: Head,
    pub(super) owned: ManuallyDrop<Owned<T>>,
}

impl<T> Inner<T> {
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
            let closed = (*fence.cast::<Head>()).closed.load(Relaxed);
            (!closed).then(|| &*fence.cast())
        }
    }
}

/// What goes when the owner is done with a fence.
pub(super) struct Owned<T> {
    pub(super) data: T,
    pub(super) timeline: Arc<Timeline>,
    /// Only a module that is about to be unloaded has none.
    pub(super) module: Option<ModuleRef>,
    pub(super) elsewhere: Option<Elsewhere<T>>,
}

impl<T: FenceOps> Owned<T> {
    /// Drops the data, here only if that may be done in any context, or if a work item might come
    /// when the module is gone, as it may be if its beginning fails.
    #[inline]
    pub(super) fn dispose(self) {
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
}

/// The memory of a [`DriverFence`](super::DriverFence).
///
/// Having it is all that can fail when a fence is made, so it is to be had before the point of no
/// return.
///
/// # Examples
///
/// See [`DriverFence`](super::DriverFence).
pub struct FenceAllocation<T: FenceOps> {
    pub(super) memory: Memory<Inner<T>>,
    pub(super) place: Place,
    pub(super) elsewhere: Option<Elsewhere<T>>,
}

impl<T: FenceOps> FenceAllocation<T> {
    /// Allocates the memory. Fails with `ENOMEM`. May sleep if `flags` allow it.
    #[inline]
    pub fn new(flags: Flags) -> Result<Self> {
        Ok(Self {
            memory: Memory::new(flags)?,
            place: Place::new(flags)?,
            elsewhere: Elsewhere::new(flags)?,
        })
    }
}
