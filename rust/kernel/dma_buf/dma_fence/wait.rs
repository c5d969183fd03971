// SPDX-License-Identifier: GPL-2.0

//! Waiting for fences.

use super::{
    abi,
    raw::Fence, //
};
use crate::{
    bindings,
    prelude::*,
    task::MAX_SCHEDULE_TIMEOUT,
    time::Jiffies, //
};

/// How a wait with a time limit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum WaitResult {
    /// The work is done.
    Done {
        /// What was left of the time.
        left: Jiffies,
    },
    /// The time is up.
    TimedOut,
}

impl WaitResult {
    /// Takes apart what C functions return: a negative error, zero for no time left, or the time
    /// that was left.
    #[inline]
    pub(in super::super) fn from_raw(ret: c_long) -> Result<Self> {
        match ret {
            0 => Ok(Self::TimedOut),
            // CAST: An error code is small.
            ..0 => Err(Error::from_errno(ret as c_int)),
            // CAST: Not negative.
            _ => Ok(Self::Done {
                left: ret as Jiffies,
            }),
        }
    }
}

/// How a wait for any of several fences ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum WaitAnyResult {
    /// One of the fences is signalled.
    Done {
        /// Which one; if there are several, one of them.
        index: usize,
        /// What was left of the time.
        left: Jiffies,
    },
    /// The time is up.
    TimedOut,
}

/// A time limit as C has it, where the largest number means that there is none.
#[inline]
pub(in super::super) fn timeout_as_raw(timeout: Jiffies) -> c_long {
    c_long::try_from(timeout).unwrap_or(MAX_SCHEDULE_TIMEOUT)
}

impl Fence {
    #[inline]
    fn wait_raw(&self, interruptible: bool, timeout: c_long) -> c_long {
        if self.has_lost_lock() {
            return timeout.max(1);
        }
        abi::dma_fence_wait_timeout(self, interruptible, timeout)
    }

    /// Waits until the work is done.
    ///
    /// Sleeps, and cannot be interrupted. A lock that is held meanwhile must not be needed by the
    /// code that signals the fence; reservation objects may be held.
    #[inline]
    pub fn wait(&self) {
        self.wait_raw(false, MAX_SCHEDULE_TIMEOUT);
    }

    /// As [`wait`](Self::wait), but a signal ends the wait with `ERESTARTSYS`.
    #[inline]
    pub fn wait_interruptible(&self) -> Result {
        WaitResult::from_raw(self.wait_raw(true, MAX_SCHEDULE_TIMEOUT)).map(|_| ())
    }

    /// As [`wait`](Self::wait), but no longer than `timeout`. With zero it only has a look, but
    /// asks for the fence to be signalled like the others.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::{Fence, WaitResult}, time::msecs_to_jiffies};
    ///
    /// match Fence::stub().wait_timeout(msecs_to_jiffies(100)) {
    ///     WaitResult::Done { left } => assert!(left > 0),
    ///     WaitResult::TimedOut => return Err(ETIME),
    /// }
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn wait_timeout(&self, timeout: Jiffies) -> WaitResult {
        // Only drivers with a wait of their own know errors here; they mean that the fence is done.
        WaitResult::from_raw(self.wait_raw(false, timeout_as_raw(timeout)))
            .unwrap_or(WaitResult::Done { left: 1 })
    }

    /// As [`wait_timeout`](Self::wait_timeout), but a signal ends the wait with `ERESTARTSYS`.
    #[inline]
    pub fn wait_timeout_interruptible(&self, timeout: Jiffies) -> Result<WaitResult> {
        WaitResult::from_raw(self.wait_raw(true, timeout_as_raw(timeout)))
    }

    #[inline]
    fn wait_any_raw(
        fences: &[&Fence],
        interruptible: bool,
        timeout: Jiffies,
    ) -> Result<WaitAnyResult> {
        let count = u32::try_from(fences.len())?;
        let mut index = 0;

        if count == 0 {
            return Err(EINVAL);
        }
        // SAFETY: All fences are valid, and there is at least one. A reference to a `Fence` is a
        // pointer to a `struct dma_fence`, and the array of them is not written to.
        let ret = unsafe {
            bindings::dma_fence_wait_any_timeout(
                fences.as_ptr().cast_mut().cast(),
                count,
                interruptible,
                timeout_as_raw(timeout),
                &mut index,
            )
        };

        Ok(match WaitResult::from_raw(ret)? {
            WaitResult::Done { left } => WaitAnyResult::Done {
                index: index as usize,
                left,
            },
            WaitResult::TimedOut => WaitAnyResult::TimedOut,
        })
    }

    /// Waits until one of `fences` is signalled, but no longer than `timeout`.
    ///
    /// Fails with `EINVAL` if there are no fences, and with `ENOMEM`. Sleeps. As for
    /// [`wait`](Self::wait) on locks.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::{Fence, WaitAnyResult};
    ///
    /// let (a, b) = (Fence::stub(), Fence::stub());
    /// let result = Fence::wait_any_timeout(&[&a, &b], 1)?;
    ///
    /// assert!(matches!(result, WaitAnyResult::Done { index: 0, .. }));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn wait_any_timeout(fences: &[&Fence], timeout: Jiffies) -> Result<WaitAnyResult> {
        Self::wait_any_raw(fences, false, timeout)
    }

    /// As [`wait_any_timeout`](Self::wait_any_timeout), but a signal ends the wait with
    /// `ERESTARTSYS`.
    #[inline]
    pub fn wait_any_timeout_interruptible(
        fences: &[&Fence],
        timeout: Jiffies,
    ) -> Result<WaitAnyResult> {
        Self::wait_any_raw(fences, true, timeout)
    }
}
