// SPDX-License-Identifier: GPL-2.0

//! The functions of the C API that take any reservation object, or one that is locked.

use super::{
    object::Resv,
    usage::Usage, //
};
use crate::{
    bindings,
    dma_buf::dma_fence::{
        declare::{
            as_c,
            c_functions, //
        },
        Fence,
        OwnedFence, //
    },
    prelude::*,
    seq_file::SeqFile,
    task::Task,
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

as_c! {
    Resv => bindings::dma_resv,
    Usage => bindings::dma_resv_usage, // It has the numbers of C.
    Held<'_> => *mut bindings::dma_resv,
    Ctx => bindings::ww_acquire_ctx,
    HeldCursor<'_> => bindings::dma_resv_iter,
    Cursor<'_> => bindings::dma_resv_iter,
    Task => bindings::task_struct,
}

c_functions! {
    // SAFETY: `&Resv` is an initialised object, and for what needs the lock there is `Held`. A
    // context outlives what is locked with it. Fences come with a reference, but for those that a
    // cursor has come to: they stay up to the next step, or as long as nobody else has the lock.
    unsafe extern "C" {
        #[link_name = "rust_helper_dma_resv_lock"]
        safe fn dma_resv_lock(resv: &Resv, ctx: Option<&Ctx>) -> c_int;
        #[link_name = "rust_helper_dma_resv_lock_interruptible"]
        safe fn dma_resv_lock_interruptible(resv: &Resv, ctx: Option<&Ctx>) -> c_int;
        #[link_name = "rust_helper_dma_resv_lock_slow"]
        safe fn dma_resv_lock_slow(resv: &Resv, ctx: &Ctx);
        #[link_name = "rust_helper_dma_resv_lock_slow_interruptible"]
        safe fn dma_resv_lock_slow_interruptible(resv: &Resv, ctx: &Ctx) -> c_int;
        #[link_name = "rust_helper_dma_resv_trylock"]
        safe fn dma_resv_trylock(resv: &Resv) -> bool;
        #[link_name = "rust_helper_dma_resv_trylock_ctx"]
        safe fn dma_resv_trylock_ctx(resv: &Resv, ctx: &Ctx) -> bool;
        #[link_name = "rust_helper_dma_resv_is_ours"]
        safe fn dma_resv_is_ours(resv: &Resv) -> bool;
        #[link_name = "rust_helper_dma_resv_assert_not_held"]
        safe fn dma_resv_assert_not_held(resv: &Resv);
        #[link_name = "rust_helper_ww_acquire_done"]
        safe fn ww_acquire_done(ctx: &Ctx);
        #[link_name = "rust_helper_fatal_signal_pending"]
        safe fn fatal_signal_pending(task: &Task) -> c_int;
        safe fn schedule_timeout_killable(timeout: c_long) -> c_long;

        safe fn dma_resv_wait_timeout(
            resv: &Resv,
            usage: Usage,
            interruptible: bool,
            timeout: c_ulong,
        ) -> c_long;
        safe fn dma_resv_test_signaled(resv: &Resv, usage: Usage) -> bool;
        safe fn dma_resv_set_deadline(resv: &Resv, usage: Usage, deadline: bindings::ktime_t);
        safe fn dma_resv_get_singleton(
            resv: &Resv,
            usage: Usage,
            fence: &mut Option<OwnedFence>,
        ) -> c_int;
        /// On success gives references to `count` fences, in memory from `kmalloc()`, or NULL.
        safe fn dma_resv_get_fences(
            resv: &Resv,
            usage: Usage,
            count: &mut c_uint,
            fences: &mut *mut *mut bindings::dma_fence,
        ) -> c_int;

        safe fn dma_resv_reserve_fences(resv: Held<'_>, count: c_uint) -> c_int;
        safe fn dma_resv_describe(resv: Held<'_>, m: &SeqFile);

        safe fn dma_resv_iter_first<'a>(cursor: &mut HeldCursor<'a>) -> Option<&'a Fence>;
        safe fn dma_resv_iter_next<'a>(cursor: &mut HeldCursor<'a>) -> Option<&'a Fence>;
        safe fn dma_resv_iter_first_unlocked<'a>(cursor: &'a mut Cursor<'_>) -> Option<&'a Fence>;
        safe fn dma_resv_iter_next_unlocked<'a>(cursor: &'a mut Cursor<'_>) -> Option<&'a Fence>;
    }
}
