// SPDX-License-Identifier: GPL-2.0

//! What C calls for fences.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h), and its callers keep to what
//! is written there. Here C pointers become typed references, and results C's numbers.
//!
//! For all of these: pointers are valid, or NULL where a check says so; the caller holds a
//! reference to each fence that it passes; "locked" functions are called with the fence's lock
//! held.

use super::{
    names,
    release::{
        self,
        Dying, //
    },
    set,
    stub,
    wait::{
        self,
        Sleep, //
    },
    Flag,
    Locked, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings::{
        dma_fence,
        dma_fence_cb,
        dma_fence_func_t,
        dma_fence_ops,
        kref,
        ktime_t,
        seq_file,
        spinlock_t, //
    },
    container_of,
    dma_buf::{
        to_errno,
        Fence, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    },
    warn_on, //
};

/// A reference, or NULL.
pub(crate) fn into_raw(fence: Option<ARef<Fence>>) -> *mut dma_fence {
    fence.map_or(ptr::null_mut(), set::into_raw)
}

/// A borrowed fence, or NULL.
pub(crate) fn as_raw(fence: Option<&Fence>) -> *mut dma_fence {
    fence.map_or(ptr::null_mut(), Fence::as_raw)
}

/// A fence, or none for NULL.
///
/// # Safety
///
/// As the module says.
pub(super) unsafe fn get<'a>(fence: *mut dma_fence) -> Option<&'a Fence> {
    // SAFETY: The caller's guarantee.
    NonNull::new(fence).map(|fence| unsafe { Fence::from_raw(fence.as_ptr()) })
}

/// A fence, unless the caller passed NULL, which it should not.
///
/// # Safety
///
/// As the module says.
unsafe fn checked<'a>(fence: *mut dma_fence) -> Option<&'a Fence> {
    if warn_on!(fence.is_null()) {
        return None;
    }
    // SAFETY: The caller's guarantee.
    unsafe { get(fence) }
}

/// A locked fence.
///
/// # Safety
///
/// As the module says, and the lock must stay held for `'a`.
unsafe fn locked<'a>(fence: *mut dma_fence) -> Locked<'a> {
    // SAFETY: The caller's guarantee.
    unsafe { Locked::assume(Fence::from_raw(fence)) }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_init(
    fence: *mut dma_fence,
    ops: *const dma_fence_ops,
    lock: *mut spinlock_t,
    context: u64,
    seqno: u64,
) {
    // SAFETY: The caller's guarantee.
    unsafe { super::init(fence, ops, lock, context, seqno, 0) };
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_init64(
    fence: *mut dma_fence,
    ops: *const dma_fence_ops,
    lock: *mut spinlock_t,
    context: u64,
    seqno: u64,
) {
    // SAFETY: The caller's guarantee.
    unsafe { super::init(fence, ops, lock, context, seqno, Flag::Seqno64.bit()) };
}

/// # Safety
///
/// Called by `kref_put()` with the count of a fence, which has become zero.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_release(kref: *mut kref) {
    // SAFETY: The caller's guarantee: nobody else has seen the count become zero.
    unsafe {
        let fence = container_of!(kref, dma_fence, refcount);
        Dying::from_raw(NonNull::new_unchecked(fence)).release();
    }
}

/// # Safety
///
/// As the module says; the caller owns the memory of a fence without references.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_free(fence: *mut dma_fence) {
    // SAFETY: The caller's guarantee.
    unsafe { release::free(fence) };
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_describe(fence: *mut dma_fence, seq: *mut seq_file) {
    // SAFETY: The caller's guarantee.
    unsafe { names::describe(Fence::from_raw(fence), kernel::seq_file::SeqFile::from_raw(seq)) };
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_signal(fence: *mut dma_fence) {
    // SAFETY: The caller's guarantee.
    if let Some(fence) = unsafe { checked(fence) } {
        super::signal(fence);
    }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_signal_locked(fence: *mut dma_fence) {
    // SAFETY: The caller's guarantee.
    unsafe { locked(fence) }.signal();
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_signal_timestamp(
    fence: *mut dma_fence,
    timestamp: ktime_t,
) {
    // SAFETY: The caller's guarantee.
    if let Some(fence) = unsafe { checked(fence) } {
        super::lock(fence).signal_at(timestamp);
    }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_signal_timestamp_locked(
    fence: *mut dma_fence,
    timestamp: ktime_t,
) {
    // SAFETY: The caller's guarantee.
    unsafe { locked(fence) }.signal_at(timestamp);
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_check_and_signal(fence: *mut dma_fence) -> bool {
    // SAFETY: The caller's guarantee.
    super::lock(unsafe { Fence::from_raw(fence) }).check_and_signal()
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_check_and_signal_locked(fence: *mut dma_fence) -> bool {
    // SAFETY: The caller's guarantee.
    unsafe { locked(fence) }.check_and_signal()
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_enable_signaling(fence: *mut dma_fence) {
    // SAFETY: The caller's guarantee.
    super::enable_signaling(unsafe { Fence::from_raw(fence) });
}

/// # Safety
///
/// As the module says; `cb` stays valid until it was called or removed.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_add_callback(
    fence: *mut dma_fence,
    cb: *mut dma_fence_cb,
    func: dma_fence_func_t,
) -> c_int {
    if warn_on!(fence.is_null() || func.is_none()) {
        return EINVAL.to_errno();
    }
    // SAFETY: The caller's guarantee.
    to_errno(unsafe { super::add_callback(Fence::from_raw(fence), cb, func) })
}

/// # Safety
///
/// As the module says; `cb` was given to `dma_fence_add_callback()` for this fence.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_remove_callback(
    fence: *mut dma_fence,
    cb: *mut dma_fence_cb,
) -> bool {
    // SAFETY: The caller's guarantee.
    unsafe { super::remove_callback(Fence::from_raw(fence), cb) }
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_get_status(fence: *mut dma_fence) -> c_int {
    // SAFETY: The caller's guarantee.
    super::status(unsafe { Fence::from_raw(fence) })
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_set_deadline(fence: *mut dma_fence, deadline: ktime_t) {
    // SAFETY: The caller's guarantee.
    super::set_deadline(unsafe { Fence::from_raw(fence) }, deadline);
}

/// # Safety
///
/// As the module says; RCU is held for as long as the result is used.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_driver_name(fence: *mut dma_fence) -> *const c_char {
    let rcu = rcu::read_lock();

    // SAFETY: The caller's guarantee. Its own RCU section goes on.
    names::driver(unsafe { Fence::from_raw(fence) }, &rcu).as_char_ptr()
}

/// # Safety
///
/// As `dma_fence_driver_name`.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_timeline_name(fence: *mut dma_fence) -> *const c_char {
    let rcu = rcu::read_lock();

    // SAFETY: The caller's guarantee. Its own RCU section goes on.
    names::timeline(unsafe { Fence::from_raw(fence) }, &rcu).as_char_ptr()
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_wait_timeout(
    fence: *mut dma_fence,
    intr: bool,
    timeout: c_long,
) -> c_long {
    // SAFETY: The caller's guarantee.
    left(wait::timeout(
        unsafe { Fence::from_raw(fence) },
        Sleep::new(intr),
        timeout,
    ))
}

/// # Safety
///
/// As the module says.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_default_wait(
    fence: *mut dma_fence,
    intr: bool,
    timeout: c_long,
) -> c_long {
    // SAFETY: The caller's guarantee.
    left(wait::default(
        unsafe { Fence::from_raw(fence) },
        Sleep::new(intr),
        timeout,
    ))
}

/// # Safety
///
/// As the module says; `idx` may be NULL.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_wait_any_timeout(
    fences: *mut *mut dma_fence,
    count: u32,
    intr: bool,
    timeout: c_long,
    idx: *mut u32,
) -> c_long {
    if warn_on!(fences.is_null() || count == 0 || timeout < 0) {
        return EINVAL.to_errno() as c_long;
    }

    // SAFETY: The caller's guarantee.
    let fences = unsafe { set::borrow(fences, count as usize) };
    let result = wait::any(fences, Sleep::new(intr), timeout);

    if let Ok((_, Some(first))) = result {
        // SAFETY: The caller's guarantee.
        if let Some(idx) = unsafe { idx.as_mut() } {
            *idx = first as u32;
        }
    }
    left(result.map(|(left, _)| left))
}

/// What is left of a timeout, or an error code.
pub(crate) fn left(result: Result<c_long>) -> c_long {
    result.unwrap_or_else(|err| err.to_errno() as c_long)
}

/// # Safety
///
/// None.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_get_stub() -> *mut dma_fence {
    into_raw(Some(stub::get()))
}

/// # Safety
///
/// None.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_allocate_private_stub(
    timestamp: ktime_t,
) -> *mut dma_fence {
    into_raw(stub::new(timestamp).ok())
}

/// # Safety
///
/// None.
#[export]
pub(crate) unsafe extern "C" fn dma_fence_context_alloc(num: c_uint) -> u64 {
    warn_on!(num == 0);
    super::allocate_contexts(num)
}

/// Begins a critical section of signalling for the caller at `ip`.
#[cfg(CONFIG_LOCKDEP)]
#[no_mangle]
extern "C" fn rust_dma_fence_begin_signalling(ip: c_ulong) -> bool {
    super::annotation::begin(ip)
}

/// Ends a critical section of signalling for the caller at `ip`.
#[cfg(CONFIG_LOCKDEP)]
#[no_mangle]
extern "C" fn rust_dma_fence_end_signalling(cookie: bool, ip: c_ulong) {
    super::annotation::end(cookie, ip);
}

/// # Safety
///
/// None.
#[cfg(CONFIG_LOCKDEP)]
#[export]
pub(crate) unsafe extern "C" fn __dma_fence_might_wait() {
    super::annotation::might_wait();
}
