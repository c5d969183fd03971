// SPDX-License-Identifier: GPL-2.0

//! What C calls for fences.
//!
//! Each function is documented where it is declared, in
//! [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h). A caller holds a reference to
//! each fence that it passes. A [`Locked`] stands for "the lock is held".

use super::{
    callback,
    context,
    flag::Flag,
    init::init,
    layout::{
        dying::Dying,
        fence::{
            New,
            Table, //
        },
        lock::{
            lock,
            Lent,
            Locked, //
        }, //
    },
    names,
    signal,
    stub,
    wait::{
        self,
        Sleep, //
    }, //
};
use core::{
    mem::forget,
    ptr::NonNull, //
};
use kernel::{
    bindings::{
        dma_fence,
        dma_fence_cb,
        kref,
        ktime_t,
        spinlock_t, //
    },
    container_of,
    dma_buf::Fence,
    interop::export::{
        FromC,
        Function,
        Out, //
    },
    prelude::*,
    seq_file::SeqFile,
    sync::{
        aref::ARef,
        rcu, //
    },
    warn_on, //
};

mod container;
pub(super) mod task;

kernel::exports! {
    // The first reference is the caller's.
    fn dma_fence_init(
        fence: New,
        ops: Table<'_>,
        lock: Option<NonNull<spinlock_t>>,
        context: u64,
        seqno: u64,
    ) {
        forget(init(fence, ops, lock, context, seqno, 0));
    }

    fn dma_fence_init64(
        fence: New,
        ops: Table<'_>,
        lock: Option<NonNull<spinlock_t>>,
        context: u64,
        seqno: u64,
    ) {
        forget(init(fence, ops, lock, context, seqno, Flag::Seqno64.bit()));
    }

    // The count, which has become zero, says which fence it is.
    fn dma_fence_release(kref: *mut kref) {
        // SAFETY: `kref_put()` passes what was the last reference.
        unsafe { Dying::from_c(container_of!(kref, dma_fence, refcount)) }.release();
    }

    fn dma_fence_free(fence: Dying) {
        fence.free();
    }

    fn dma_fence_describe(fence: &Fence, seq: &SeqFile) {
        names::describe(fence, seq);
    }

    fn dma_fence_signal(fence: Result<&Fence>) {
        if let Ok(fence) = fence {
            signal::signal(fence);
        }
    }

    fn dma_fence_signal_locked(fence: Locked<'_>) {
        fence.signal();
    }

    fn dma_fence_signal_timestamp(fence: Result<&Fence>, timestamp: ktime_t) {
        if let Ok(fence) = fence {
            lock(fence).signal_at(timestamp);
        }
    }

    fn dma_fence_signal_timestamp_locked(fence: Locked<'_>, timestamp: ktime_t) {
        fence.signal_at(timestamp);
    }

    fn dma_fence_check_and_signal(fence: &Fence) -> bool {
        lock(fence).check_and_signal()
    }

    fn dma_fence_check_and_signal_locked(fence: Locked<'_>) -> bool {
        fence.check_and_signal()
    }

    fn dma_fence_enable_signaling(fence: &Fence) {
        signal::enable_signaling(fence);
    }

    fn dma_fence_add_callback(
        fence: Option<&Fence>,
        cb: Lent,
        func: Option<Function<unsafe extern "C" fn(*mut dma_fence, *mut dma_fence_cb)>>,
    ) -> Result {
        callback::add_passed(fence, cb, func.map(|Function(func)| func))
    }

    fn dma_fence_remove_callback(fence: &Fence, cb: Lent) -> bool {
        callback::remove(fence, cb)
    }

    fn dma_fence_get_status(fence: &Fence) -> c_int {
        signal::status(fence)
    }

    fn dma_fence_set_deadline(fence: &Fence, deadline: ktime_t) {
        signal::set_deadline(fence, deadline);
    }

    // The caller holds RCU for as long as it uses a name.
    fn dma_fence_driver_name(fence: &Fence) -> *const c_char {
        names::driver(fence, &rcu::read_lock()).as_char_ptr()
    }

    fn dma_fence_timeline_name(fence: &Fence) -> *const c_char {
        names::timeline(fence, &rcu::read_lock()).as_char_ptr()
    }

    fn dma_fence_wait_timeout(fence: &Fence, intr: bool, timeout: c_long) -> c_long {
        wait::timeout_or_errno(fence, Sleep::new(intr), timeout)
    }

    fn dma_fence_default_wait(fence: &Fence, intr: bool, timeout: c_long) -> Result<c_long> {
        wait::default(fence, Sleep::new(intr), timeout)
    }

    fn dma_fence_wait_any_timeout(
        fences: *mut *mut dma_fence,
        count: u32,
        intr: bool,
        timeout: c_long,
        idx: Option<Out<'_, u32>>,
    ) -> Result<c_long> {
        if warn_on!(fences.is_null() || count == 0 || timeout < 0) {
            return Err(EINVAL);
        }

        // SAFETY: The caller has an array of so many fences.
        let fences = unsafe { core::slice::from_raw_parts(fences.cast(), count as usize) };
        let (left, first) = wait::any(fences, Sleep::new(intr), timeout)?;

        if let (Some(idx), Some(first)) = (&mut idx, first) {
            idx.put(first as u32);
        }
        Ok(left)
    }

    fn dma_fence_get_stub() -> ARef<Fence> {
        stub::get()
    }

    fn dma_fence_allocate_private_stub(timestamp: ktime_t) -> Option<ARef<Fence>> {
        stub::new(timestamp).ok()
    }

    fn dma_fence_context_alloc(num: c_uint) -> u64 {
        warn_on!(num == 0);
        context::allocate(num)
    }

    #[cfg(CONFIG_LOCKDEP)]
    fn __dma_fence_might_wait() {
        super::annotation::might_wait();
    }
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
