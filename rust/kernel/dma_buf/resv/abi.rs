// SPDX-License-Identifier: GPL-2.0

//! The functions of the C API that take any reservation object, or one that is locked.

use super::{
    in_use::{
        Ctx,
        Cursor,
        Held,
        HeldCursor, //
    },
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
    task::Task, //
};
use core::mem::offset_of;

as_c! {
    Resv => bindings::dma_resv,
    Usage => bindings::dma_resv_usage, // It has the numbers of C.
    Held<'_> => *mut bindings::dma_resv,
    Ctx => bindings::ww_acquire_ctx,
    HeldCursor<'_> => bindings::dma_resv_iter,
    Cursor<'_> => bindings::dma_resv_iter,
    Task => bindings::task_struct,
}

const _: () = assert!(offset_of!(bindings::dma_resv, lock) == 0);

/// Unlocks `resv`.
///
/// # Safety
///
/// The current task holds the lock, and nobody relies on that any more.
#[inline(always)]
pub(super) unsafe fn unlock(resv: &Resv) {
    let resv = resv.as_raw();

    // SAFETY: By the contract above. Without that option there is nothing in C but this.
    unsafe {
        if cfg!(CONFIG_DEBUG_MUTEXES) {
            bindings::dma_resv_unlock(resv);
        } else {
            bindings::ww_mutex_unlock(&raw mut (*resv).lock);
        }
    }
}

c_functions! {
    // SAFETY: `&Resv` is an initialised object, and for what needs the lock there is `Held`. A
    // context outlives what is locked with it. Fences come with a reference, but for those that a
    // cursor has come to: they stay up to the next step, or as long as nobody else has the lock.
    unsafe extern "C" {
        // Of the lock, which is the first member: in C this is an inline function around it.
        #[link_name = "ww_mutex_lock"]
        safe fn dma_resv_lock(resv: &Resv, ctx: Option<&Ctx>) -> c_int;
        #[link_name = "ww_mutex_lock_interruptible"]
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
