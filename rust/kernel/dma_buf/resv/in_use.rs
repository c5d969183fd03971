// SPDX-License-Identifier: GPL-2.0

//! An object in use, as the C API wants to have it: that it is locked, the context that this was
//! done in, and how far one has got among its fences.

use super::{
    object::Resv,
    usage::Usage, //
};
use crate::{
    bindings,
    dma_buf::dma_fence::Fence,
    prelude::*,
    types::Opaque, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};

/// A [`Resv`] whose lock is in use.
///
/// # Invariants
///
/// The current task has the object locked for `'a`, and nobody else does something meanwhile that
/// needs the lock.
#[repr(transparent)]
pub(super) struct Held<'a>(pub(super) &'a Resv);

/// An acquire context.
///
/// # Invariants
///
/// It is initialised and belongs to this task. It stays in place, and is not dropped as long as an
/// object is locked with it, because such a lock refers to it.
#[repr(transparent)]
pub(super) struct Ctx(Opaque<bindings::ww_acquire_ctx>);

impl Ctx {
    #[inline]
    pub(super) fn begin(memory: KBox<MaybeUninit<Self>>) -> KBox<Self> {
        let ctx = KBox::write(memory, Self(Opaque::uninit()));

        // INVARIANT: Nothing is locked.
        //
        // SAFETY: The memory is ours. The class lives for ever.
        unsafe { bindings::ww_acquire_init(ctx.0.get(), &raw mut bindings::reservation_ww_class) };
        ctx
    }
}

impl Drop for Ctx {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is initialised, and nothing is locked with it any more.
        unsafe { bindings::ww_acquire_fini(self.0.get()) };
    }
}

#[inline]
fn cursor(resv: &Resv, usage: Usage) -> bindings::dma_resv_iter {
    bindings::dma_resv_iter {
        obj: resv.as_raw(),
        usage: usage.as_raw(),
        ..Default::default()
    }
}

/// A place among the fences of an object that is locked, and whose fences stay for `'a`.
///
/// # Invariants
///
/// Was begun on such an object.
#[repr(transparent)]
pub(super) struct HeldCursor<'a>(bindings::dma_resv_iter, PhantomData<&'a Fence>);

impl<'a> HeldCursor<'a> {
    #[inline]
    pub(super) fn new(resv: Held<'a>, usage: Usage) -> Self {
        // INVARIANT: Who could change the fences needs the lock.
        Self(cursor(resv.0, usage), PhantomData)
    }
}

/// A place among the fences of an object that need not be locked.
///
/// # Invariants
///
/// Was begun on an object that is there for `'a`. `fence` is NULL or owns a reference.
#[repr(transparent)]
pub(super) struct Cursor<'a>(bindings::dma_resv_iter, PhantomData<&'a Resv>);

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(resv: &'a Resv, usage: Usage) -> Self {
        // INVARIANT: NULL.
        Self(cursor(resv, usage), PhantomData)
    }

    /// The usage of the fence that the cursor has come to.
    #[inline]
    pub(super) fn usage(&self) -> Usage {
        Usage::from_raw(self.0.fence_usage)
    }

    /// Whether that is the first one, perhaps once more.
    #[inline]
    pub(super) fn is_restarted(&self) -> bool {
        self.0.is_restarted
    }
}

impl Drop for Cursor<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant the reference is ours.
        drop(unsafe { Fence::from_owned(self.0.fence) });
    }
}
