// SPDX-License-Identifier: GPL-2.0

//! Fences.
//!
//! Implements what [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h) and its
//! companions for arrays, chains and unwrapping declare.
//!
//! # A fence's life
//!
//! A fence is initialised by its issuer, may be asked to signal (`EnableSignal`), is signalled once
//! (`Signaled`, then `Timestamp`) and is released when its last reference goes.
//!
//! Who may look at which part of it, under what and until when is in
//! [the documentation](srctree/Documentation/driver-api/dma-buf-rust.rst).
//!
//! Because a callback runs under the lock, and taking one off takes the lock, a callback is not
//! running any more once [`remove_callback`] has returned.
//!
//! # Locking
//!
//! A fence's lock is taken with interrupts disabled and is innermost, but for this: an array or a
//! chain takes the locks of the fences it is made of under its own. Those are never containers of
//! the same kind, and they signal the container from an `irq_work`, outside their own lock.

use self::container::Container;
use self::lock::{
    lock,
    Locked, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    bindings::dma_fence,
    dma_buf::Fence,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic,
            Relaxed, //
        },
        rcu, //
    },
    warn_on, //
};

mod annotation;
pub(crate) mod array;
pub(crate) mod chain;
mod container;
mod container_ffi;
pub(crate) mod ffi;
mod lock;
mod names;
mod release;
pub(crate) mod set;
pub(crate) mod stub;
mod trace;
pub(crate) mod unwrap;
pub(crate) mod wait;

#[cfg(CONFIG_LOCKDEP)]
pub(crate) use self::annotation::might_wait;
pub(crate) use self::names::{
    describe,
    with_names, //
};

/// Nanoseconds of the monotonic clock.
pub(crate) type Time = bindings::ktime_t;

/// A table of operations.
#[repr(transparent)]
pub(crate) struct Ops(bindings::dma_fence_ops);

// SAFETY: Tables are constant.
unsafe impl Sync for Ops {}

/// The state bits that this crate looks at.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Flag {
    Initialized = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_INITIALIZED_BIT,
    InlineLock = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_INLINE_LOCK_BIT,
    Seqno64 = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SEQNO64_BIT,
    Signaled = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SIGNALED_BIT,
    Timestamp = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_TIMESTAMP_BIT,
    EnableSignal = bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
}

impl Flag {
    const fn bit(self) -> usize {
        1 << self as u32
    }
}

fn flags(fence: &Fence) -> &Atomic<usize> {
    // SAFETY: The flags live as long as the fence and are accessed atomically only.
    unsafe { Atomic::from_ptr(&raw mut (*fence.as_raw()).flags) }
}

/// Whether `flag` is set. Orders nothing.
fn has(fence: &Fence, flag: Flag) -> bool {
    flags(fence).load(Relaxed) & flag.bit() != 0
}

/// Sets `flag`. Orders nothing.
fn set(fence: &Fence, flag: Flag) {
    // SAFETY: The flags live as long as the fence.
    unsafe { bindings::set_bit(flag as usize, &raw mut (*fence.as_raw()).flags) };
}

/// Sets `flag` and tells whether it was set before. Orders everything before and after.
fn test_and_set(fence: &Fence, flag: Flag) -> bool {
    // SAFETY: The flags live as long as the fence.
    unsafe { bindings::test_and_set_bit(flag as usize, &raw mut (*fence.as_raw()).flags) }
}

fn ops_ptr(fence: &Fence) -> &Atomic<*const bindings::dma_fence_ops> {
    // SAFETY: The pointer lives as long as the fence and is accessed atomically only.
    unsafe { Atomic::from_ptr(&raw mut (*fence.as_raw()).ops) }
}

/// The issuer's operations; `None` if the fence has been detached from them.
fn ops<'a>(fence: &Fence, _rcu: &'a rcu::Guard) -> Option<&'a bindings::dma_fence_ops> {
    // SAFETY: Tables go away only an RCU grace period after they were detached, see
    // `struct dma_fence_ops`.
    unsafe { ops_ptr(fence).load(Acquire).as_ref() }
}

/// The error that the issuer has set; zero if there is none, or none yet.
fn error(fence: &Fence) -> c_int {
    if flags(fence).load(Acquire) & Flag::Signaled.bit() == 0 {
        return 0;
    }
    // SAFETY: Errors do not change any more once the fence is signalled.
    unsafe { (*fence.as_raw()).error }
}

/// Tries for a reference to a fence that may be on its way out.
///
/// # Safety
///
/// `fence` must point to the memory of a fence, which may be being released.
pub(crate) unsafe fn get_unless_zero(
    fence: NonNull<dma_fence>,
    _rcu: &rcu::Guard,
) -> Option<ARef<Fence>> {
    // Acquire: whoever looks again whether this is still the fence that it was looks afterwards.
    //
    // SAFETY: RCU keeps the memory, which has been a fence, and therefore has a reference count.
    let alive = unsafe {
        bindings::refcount_inc_not_zero_acquire(&raw mut (*fence.as_ptr()).refcount.refcount)
    };

    // SAFETY: The count was not zero and has been raised for us.
    alive.then(|| unsafe { ARef::from_raw(fence.cast()) })
}

/// Initialises a fence with one reference. Without `lock` the fence gets one of its own.
///
/// # Safety
///
/// `fence` must point to memory for a fence that nobody else accesses. `ops` must be valid up to an
/// RCU grace period after the fence has been signalled, or for as long as the fence exists if it
/// has `release` or `wait`; `lock` must be NULL or live as long as the fence.
pub(crate) unsafe fn init(
    fence: *mut dma_fence,
    ops: *const bindings::dma_fence_ops,
    lock: *mut bindings::spinlock_t,
    context: u64,
    seqno: u64,
    flags: usize,
) {
    let mut flags = flags | Flag::Initialized.bit();
    // SAFETY: By this function's contract, but for the bug that is looked for.
    let is_complete = unsafe { ops.as_ref() }
        .is_some_and(|ops| ops.get_driver_name.is_some() && ops.get_timeline_name.is_some());
    let ops = if warn_on!(!is_complete) {
        stub::ops()
    } else {
        ops
    };

    // SAFETY: Nobody else accesses the fence by this function's contract.
    unsafe {
        bindings::refcount_set(&raw mut (*fence).refcount.refcount, 1);
        (*fence).ops = ops;
        bindings::INIT_LIST_HEAD(&raw mut (*fence).__bindgen_anon_2.cb_list);
        (*fence).context = context;
        (*fence).seqno = seqno;
        if lock.is_null() {
            bindings::__spin_lock_init(
                &raw mut (*fence).__bindgen_anon_1.inline_lock,
                c"&fence->inline_lock".as_char_ptr(),
                kernel::static_lock_class!().as_ptr(),
            );
            flags |= Flag::InlineLock.bit();
        } else {
            (*fence).__bindgen_anon_1.extern_lock = lock;
        }
        (*fence).flags = flags;
        (*fence).error = 0;

        trace::init(Fence::from_raw(fence));
    }
}

/// The present.
pub(crate) fn now() -> Time {
    // SAFETY: May be called anywhere.
    unsafe { bindings::ktime_get() }
}

/// Signals `fence` now, unless it has been signalled. Any context.
pub(crate) fn signal(fence: &Fence) {
    let _section = annotation::signalling();

    lock(fence).signal();
}

/// Makes sure that `fence` will be signalled without further polling. Any context.
pub(crate) fn enable_signaling(fence: &Fence) {
    lock(fence).enable_signaling();
}

/// Has `func` called with `cb` when `fence` is signalled. Fails with `ENOENT` if it is signalled
/// already. Any context.
///
/// # Safety
///
/// `cb` must be valid, and not in use, until `func` was called or [`remove_callback`] has taken it
/// off. `func` is called under the fence's lock.
pub(crate) unsafe fn add_callback(
    fence: &Fence,
    cb: *mut bindings::dma_fence_cb,
    func: bindings::dma_fence_func_t,
) -> Result {
    if !has(fence, Flag::Signaled) {
        let guard = lock(fence);

        if guard.enable_signaling() {
            // SAFETY: The callback is the caller's to give, and the list is ours under the lock.
            unsafe {
                (*cb).func = func;
                bindings::list_add_tail(&raw mut (*cb).node, guard.callbacks());
            }
            return Ok(());
        }
    }

    // SAFETY: The callback is the caller's. An empty node says that there is nothing to take off.
    unsafe { bindings::INIT_LIST_HEAD(&raw mut (*cb).node) };
    Err(ENOENT)
}

/// Takes off `cb`. Returns `false` if it has run, in which case it is not running any more. Any
/// context, but for the callbacks of `fence` itself.
///
/// # Safety
///
/// `cb` must have been given to [`add_callback`] for `fence`.
pub(crate) unsafe fn remove_callback(fence: &Fence, cb: *mut bindings::dma_fence_cb) -> bool {
    let _guard = lock(fence);

    // SAFETY: By the caller's guarantee the node is initialised, and it belongs to the lock.
    unsafe {
        let node = &raw mut (*cb).node;
        let is_pending = (*node).next != node;

        if is_pending {
            bindings::list_del_init(node);
        }
        is_pending
    }
}

/// Zero if `fence` is pending, one if it was signalled, a negative error code if it was signalled
/// with an error. Any context.
pub(crate) fn status(fence: &Fence) -> c_int {
    if !lock(fence).is_signaled() {
        return 0;
    }
    match error(fence) {
        0 => 1,
        error => error,
    }
}

/// Passes on a hint that somebody would like `fence` to be signalled by `deadline`. Any context.
pub(crate) fn set_deadline(fence: &Fence, deadline: Time) {
    let rcu = rcu::read_lock();

    if let Some(set_deadline) = ops(fence, &rcu).and_then(|ops| ops.set_deadline) {
        if !fence.is_done() {
            // SAFETY: The operation is the fence's own, and RCU keeps its issuer.
            unsafe { set_deadline(fence.as_raw(), deadline) };
        }
    }
}

/// Whether `fence` is made of others.
pub(crate) fn is_container(fence: &Fence) -> bool {
    chain::Link::of(fence).is_some() || array::Array::of(fence).is_some()
}

/// Numbers for `count` new contexts; the first of them.
pub(crate) fn allocate_contexts(count: u32) -> u64 {
    // Zero is the stubs'.
    static NEXT: Atomic<u64> = Atomic::new(1);

    NEXT.fetch_add(u64::from(count), Relaxed)
}
