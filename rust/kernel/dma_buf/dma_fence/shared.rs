// SPDX-License-Identifier: GPL-2.0

//! What a context and its fences share.

use super::{
    deferred::Elsewhere,
    names::Names,
    ops::FenceContextOps,
    timeline::Timeline, //
};
use crate::{
    interop::module_ref::ModuleRef,
    prelude::*,
    sync::{
        Arc,
        UniqueArc, //
    },
};
use core::mem;

/// What stays as long as the context, or one of its fences that its owner has not signalled.
#[pin_data]
pub(super) struct Shared<T: FenceContextOps> {
    #[pin]
    pub(super) timeline: Timeline,
    pub(super) names: Names,
    /// For when a fence is the last one.
    elsewhere: Option<Elsewhere<Pin<UniqueArc<Shared<T>>>>>,
    #[pin]
    pub(super) data: T,
}

impl<T: FenceContextOps> Shared<T> {
    #[inline]
    pub(super) fn new<E>(
        initial_seqno: u64,
        names: Names,
        data: impl PinInit<T, E>,
    ) -> Result<Arc<Self>>
    where
        Error: From<E>,
    {
        Arc::try_pin_init(
            try_pin_init!(Self {
                timeline <- Timeline::new(initial_seqno)?,
                names,
                elsewhere: Elsewhere::new(mem::needs_drop::<T>(), GFP_KERNEL)?,
                data <- data,
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Gives up what a fence had. May be called in any context: if it was the last one the data of
    /// the context, whose code is in `module`, is dropped elsewhere.
    #[inline]
    pub(super) fn put(this: Arc<Self>, module: &Option<ModuleRef>) {
        if let Some(last) = Arc::into_unique_or_drop(this) {
            Self::dispose(last, module);
        }
    }

    #[cold]
    fn dispose(mut this: Pin<UniqueArc<Self>>, module: &Option<ModuleRef>) {
        let elsewhere = this.as_mut().project().elsewhere.take();

        if let (Some(elsewhere), Some(module)) = (elsewhere, module) {
            if let (true, Some(module)) = (module.is_live(), module.again()) {
                elsewhere.dispose(this, module);
            }
        }
    }
}
