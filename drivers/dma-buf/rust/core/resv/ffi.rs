// SPDX-License-Identifier: GPL-2.0

//! What C calls for reservation objects.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h), and its callers keep to what is
//! written there. Here C pointers become typed references, and results C's numbers.
//!
//! For all of these: pointers are valid; the object is initialised; where that is required, the
//! caller holds its lock.

use super::{
    iter::Cursor,
    list,
    Held,
    Usage, //
};
use crate::fence::{
    ffi::{
        as_raw,
        into_raw,
        left, //
    },
    wait::Sleep, //
};
use core::ptr;
use kernel::{
    bindings::{
        self,
        dma_fence,
        dma_resv,
        dma_resv_iter,
        ktime_t,
        seq_file, //
    },
    dma_buf::{
        to_errno,
        Fence,
        Resv, //
    },
    prelude::*, //
};

/// A locked object.
///
/// # Safety
///
/// As the module says, and the lock must stay held for `'a`.
unsafe fn held<'a>(obj: *mut dma_resv) -> Held<'a> {
    // SAFETY: The caller's guarantee.
    unsafe { Held::assume(Resv::from_raw(obj)) }
}

/// # Safety
///
/// `obj` points to memory for a reservation object that nobody else accesses.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_init(obj: *mut dma_resv) {
    // SAFETY: The caller's guarantee.
    unsafe {
        bindings::ww_mutex_init(
            &raw mut (*obj).lock,
            &raw mut bindings::reservation_ww_class,
        );
        (*obj).fences = ptr::null_mut();
    }
}

/// # Safety
///
/// As the module says; nobody else uses the object any more.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_fini(obj: *mut dma_resv) {
    // SAFETY: The caller's guarantee: there is nobody to lock out.
    unsafe {
        drop(list::of(Resv::from_raw(obj)).replace(None));
        bindings::ww_mutex_destroy(&raw mut (*obj).lock);
    }
}

/// # Safety
///
/// As the module says; with the lock held.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_reserve_fences(
    obj: *mut dma_resv,
    num_fences: c_uint,
) -> c_int {
    // SAFETY: The caller's guarantee.
    to_errno(unsafe { held(obj) }.reserve(num_fences))
}

/// # Safety
///
/// As the module says; with the lock held.
#[cfg(CONFIG_DEBUG_MUTEXES)]
#[export]
pub(crate) unsafe extern "C" fn dma_resv_reset_max_fences(obj: *mut dma_resv) {
    // SAFETY: The caller's guarantee.
    unsafe { held(obj) }.reset_limit();
}

/// # Safety
///
/// As the module says; with the lock held.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_add_fence(
    obj: *mut dma_resv,
    fence: *mut dma_fence,
    usage: Usage,
) {
    // SAFETY: The caller's guarantee.
    unsafe { held(obj).add(Fence::from_raw(fence), usage) };
}

/// # Safety
///
/// As the module says; with the lock held.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_replace_fences(
    obj: *mut dma_resv,
    context: u64,
    fence: *mut dma_fence,
    usage: Usage,
) {
    // SAFETY: The caller's guarantee.
    unsafe { held(obj).replace(context, Fence::from_raw(fence), usage) };
}

/// # Safety
///
/// As the module says; `dma_resv_iter_begin()` has been called.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_iter_first_unlocked(
    cursor: *mut dma_resv_iter,
) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    as_raw(unsafe { Cursor::from_raw(cursor) }.first_unlocked())
}

/// # Safety
///
/// As the module says; `dma_resv_iter_first_unlocked()` has been called.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_iter_next_unlocked(
    cursor: *mut dma_resv_iter,
) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    as_raw(unsafe { Cursor::from_raw(cursor) }.next_unlocked())
}

/// # Safety
///
/// As the module says; `dma_resv_iter_begin()` has been called, and the lock is held.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_iter_first(cursor: *mut dma_resv_iter) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    unsafe { as_raw(Cursor::from_raw(cursor).first(&mut held((*cursor).obj))) }
}

/// # Safety
///
/// As the module says; `dma_resv_iter_first()` has been called, and the lock is held.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_iter_next(cursor: *mut dma_resv_iter) -> *mut dma_fence {
    // SAFETY: The caller's guarantee.
    unsafe { as_raw(Cursor::from_raw(cursor).next(&mut held((*cursor).obj))) }
}

/// # Safety
///
/// As the module says; with the lock of `dst` held.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_copy_fences(
    dst: *mut dma_resv,
    src: *mut dma_resv,
) -> c_int {
    // SAFETY: The caller's guarantee.
    to_errno(unsafe { held(dst).copy_from(Resv::from_raw(src)) })
}

/// # Safety
///
/// As the module says. What is returned is the caller's.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_get_fences(
    obj: *mut dma_resv,
    usage: Usage,
    num_fences: *mut c_uint,
    fences: *mut *mut *mut dma_fence,
) -> c_int {
    // SAFETY: The caller's guarantee.
    let result = super::fences(unsafe { Resv::from_raw(obj) }, usage);
    let status = to_errno(result.as_ref().map(|_| ()).map_err(|&err| err));
    let (array, count) = match result {
        Ok(found) if found.len() != 0 => found.into_raw(),
        _ => (ptr::null_mut(), 0),
    };

    // SAFETY: The caller's guarantee.
    unsafe {
        *fences = array;
        *num_fences = count as c_uint;
    }
    status
}

/// # Safety
///
/// As the module says. What is returned is the caller's.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_get_singleton(
    obj: *mut dma_resv,
    usage: Usage,
    fence: *mut *mut dma_fence,
) -> c_int {
    // SAFETY: The caller's guarantee.
    match super::singleton(unsafe { Resv::from_raw(obj) }, usage) {
        Ok(single) => {
            // SAFETY: The caller's guarantee.
            unsafe { *fence = into_raw(single) };
            0
        }
        Err(err) => err.to_errno(),
    }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_wait_timeout(
    obj: *mut dma_resv,
    usage: Usage,
    intr: bool,
    timeout: c_ulong,
) -> c_long {
    // SAFETY: The caller's guarantee.
    let resv = unsafe { Resv::from_raw(obj) };

    left(super::wait(
        resv,
        usage,
        Sleep::new(intr),
        timeout as c_long,
    ))
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_set_deadline(
    obj: *mut dma_resv,
    usage: Usage,
    deadline: ktime_t,
) {
    // SAFETY: The caller's guarantee.
    super::set_deadline(unsafe { Resv::from_raw(obj) }, usage, deadline);
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_test_signaled(obj: *mut dma_resv, usage: Usage) -> bool {
    // SAFETY: The caller's guarantee.
    super::is_signaled(unsafe { Resv::from_raw(obj) }, usage)
}

/// # Safety
///
/// As the module says; with the lock held.
#[export]
pub(crate) unsafe extern "C" fn dma_resv_describe(obj: *mut dma_resv, seq: *mut seq_file) {
    // SAFETY: The caller's guarantee.
    unsafe { held(obj).describe(seq) };
}
