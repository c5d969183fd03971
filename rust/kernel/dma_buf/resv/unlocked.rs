// SPDX-License-Identifier: GPL-2.0

//! What needs no lock: waiting for the fences of a reservation object, and collecting them.

use super::{
    abi,
    object::Resv,
    usage::Usage, //
};
use crate::{
    dma_buf::dma_fence::{
        timeout_as_raw,
        Fence,
        WaitResult, //
    },
    error::to_result,
    prelude::*,
    sync::aref::ARef,
    task::MAX_SCHEDULE_TIMEOUT,
    time::{
        Instant,
        Jiffies,
        Monotonic, //
    },
};
use core::ptr;

impl Resv {
    #[inline]
    fn wait_raw(&self, usage: Usage, interruptible: bool, timeout: c_long) -> Result<WaitResult> {
        // CAST: Not negative.
        let timeout = timeout as c_ulong;

        WaitResult::from_raw(abi::dma_resv_wait_timeout(
            self,
            usage,
            interruptible,
            timeout,
        ))
    }

    /// Waits for the fences of `usage`. Sleeps, and cannot be interrupted.
    #[inline]
    pub fn wait(&self, usage: Usage) {
        // Only drivers with a wait of their own know errors here; they mean that a fence is done.
        let _ = self.wait_raw(usage, false, MAX_SCHEDULE_TIMEOUT);
    }

    /// As [`wait`](Self::wait), but a signal ends the wait with `ERESTARTSYS`.
    #[inline]
    pub fn wait_interruptible(&self, usage: Usage) -> Result {
        self.wait_raw(usage, true, MAX_SCHEDULE_TIMEOUT).map(|_| ())
    }

    /// As [`wait`](Self::wait), but no longer than `timeout`.
    #[inline]
    pub fn wait_timeout(&self, usage: Usage, timeout: Jiffies) -> WaitResult {
        self.wait_raw(usage, false, timeout_as_raw(timeout))
            .unwrap_or(WaitResult::Done { left: 1 })
    }

    /// As [`wait_timeout`](Self::wait_timeout), but a signal ends the wait with `ERESTARTSYS`.
    #[inline]
    pub fn wait_timeout_interruptible(&self, usage: Usage, timeout: Jiffies) -> Result<WaitResult> {
        self.wait_raw(usage, true, timeout_as_raw(timeout))
    }

    /// Whether the fences of `usage` are all signalled.
    #[inline]
    pub fn test_signaled(&self, usage: Usage) -> bool {
        abi::dma_resv_test_signaled(self, usage)
    }

    /// Hints that somebody would like the fences of `usage` to be signalled by `deadline`.
    #[inline]
    pub fn set_deadline(&self, usage: Usage, deadline: Instant<Monotonic>) {
        abi::dma_resv_set_deadline(self, usage, deadline.as_nanos());
    }

    /// One fence that stands for all pending fences of `usage`; `None` if there are none.
    ///
    /// Fails with `ENOMEM`. May sleep. The result may be an array.
    #[inline]
    pub fn singleton(&self, usage: Usage) -> Result<Option<ARef<Fence>>> {
        let mut fence = None;

        to_result(abi::dma_resv_get_singleton(self, usage, &mut fence))?;
        Ok(fence.map(ARef::from))
    }

    /// The pending fences of `usage`, all as they were at one time.
    ///
    /// Fails with `ENOMEM`. May sleep.
    #[inline]
    pub fn get_fences(&self, usage: Usage) -> Result<KVec<ARef<Fence>>> {
        let mut fences = ptr::null_mut();
        let mut count = 0;

        to_result(abi::dma_resv_get_fences(
            self,
            usage,
            &mut count,
            &mut fences,
        ))?;
        if fences.is_null() {
            return Ok(KVec::new());
        }
        let count = count as usize;
        // SAFETY: On success the call gives `count` references to valid fences, in memory from
        // `kmalloc()`, where there is room for at least one. The layout of an `ARef<Fence>` is that
        // of a pointer.
        Ok(unsafe { KVec::from_raw_parts(fences.cast(), count, count.max(1)) })
    }
}
