// SPDX-License-Identifier: GPL-2.0

//! What a fence is and how far it is.

use super::{
    abi,
    lock::Locked,
    raw::{
        flag,
        Fence,
        Signaled, //
    },
};
use crate::{
    bindings,
    prelude::*,
    processor::cpu_relax,
    seq_file::SeqFile,
    sync::{
        aref::ARef,
        atomic::Relaxed,
        rcu, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};
use core::ptr;

/// How far a [`Fence`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FenceStatus {
    /// The work is not done yet.
    Pending,
    /// The work is done, or has failed with this error.
    Signaled(Result),
}

impl Fence {
    /// A fence that was signalled when the kernel started.
    #[inline]
    pub fn stub() -> ARef<Self> {
        abi::dma_fence_get_stub().into()
    }

    /// A new fence that was signalled at `timestamp`.
    ///
    /// Fails with `ENOMEM`. May sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::Fence, time::{Instant, Monotonic}};
    ///
    /// let done_at = Instant::<Monotonic>::now();
    /// let fence = Fence::private_stub(done_at)?;
    ///
    /// assert!(fence.is_signaled());
    /// assert!(fence.timestamp().is_some_and(|at| (at - done_at).is_zero()));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn private_stub(timestamp: Instant<Monotonic>) -> Result<ARef<Self>> {
        abi::dma_fence_allocate_private_stub(timestamp.as_nanos())
            .map(ARef::from)
            .ok_or(ENOMEM)
    }

    /// The sequence of fences that this one is part of. Numbers are not used twice.
    #[inline]
    pub fn context(&self) -> u64 {
        *self.fields().context
    }

    /// The place of this fence in its context.
    #[inline]
    pub fn seqno(&self) -> u64 {
        *self.fields().seqno
    }

    /// Whether `self` comes after `other`; `None` if they have different contexts.
    ///
    /// Sequence numbers of fences that know only 32 bits may wrap around.
    #[inline]
    pub fn is_later_than(&self, other: &Self) -> Option<bool> {
        if self.context() != other.context() {
            return None;
        }
        let (ours, theirs) = (self.seqno(), other.seqno());

        Some(if self.has_flag(flag::SEQNO64) {
            ours > theirs
        } else {
            (ours as u32).wrapping_sub(theirs as u32) as i32 > 0
        })
    }

    /// Whether the fence has been marked as signalled. Does not ask the one who issued it, so it
    /// may be called with the fence's lock held, in callbacks for instance.
    #[inline]
    pub fn test_signaled_flag(&self) -> bool {
        self.has_flag(flag::SIGNALED)
    }

    /// Whether the fence is signalled, and has no lock of its own: the one it was given may have
    /// been freed since. If not, it is there as long as this read-side critical section: issuers
    /// owe that a grace period.
    #[inline]
    pub(super) fn has_lost_lock(&self) -> bool {
        self.test_signaled_flag() && !self.has_flag(flag::INLINE_LOCK)
    }

    /// Whether the work is done, and all callbacks have run. Those of a fence whose lock is its
    /// issuer's, as that of some C drivers, may still be called.
    ///
    /// May be `false` for ever if nothing has asked for the fence to be signalled, which is what
    /// [`enable_signaling`](Self::enable_signaling), the waiting methods and callbacks do.
    #[inline]
    pub fn is_signaled(&self) -> bool {
        // Who has signalled it is calling them, with the lock held. If we are the one, that is
        // over. A lock that is not the fence's own may be gone.
        if self.test_signaled_flag() {
            if self.has_flag(flag::INLINE_LOCK) {
                drop(Locked::new(self));
            }
            return true;
        }
        self.ask()
    }

    /// Whether the work is done. Callbacks may still be called; what
    /// [`is_signaled`](Self::is_signaled) says of them costs taking a lock.
    ///
    /// This one may also be called where the fence's lock is held, if the fence is signalled.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.test_signaled_flag() || self.ask()
    }

    /// Asks the one who issued the fence whether the work is done.
    // Cold, so that there is one of it in a driver.
    #[cold]
    #[inline]
    fn ask(&self) -> bool {
        let guard = rcu::read_lock();
        // SAFETY: Operations are for the fence that has them, and stay until a grace period after
        // it has forgotten them.
        let done = unsafe {
            // MODEL: fence-ops
            let ops = self.fields().ops.load(Relaxed).as_ref();
            ops.and_then(|ops| ops.signaled)
                .is_some_and(|signaled| signaled(self.as_raw()))
        };

        if done {
            // SAFETY: The fence is valid, and the one who issued it says that it is done. Its lock
            // is there as long as the guard is.
            unsafe { bindings::dma_fence_signal(self.as_raw()) };
        }
        drop(guard);
        done
    }

    /// Whether the work is done, and with which result. See [`is_done`](Self::is_done).
    ///
    /// This one may also be called in the fence's callbacks.
    #[inline]
    pub fn status(&self) -> FenceStatus {
        if !self.is_done() {
            return FenceStatus::Pending;
        }
        // INVARIANT: Just checked.
        let error = Signaled(self).error();

        FenceStatus::Signaled(if error < 0 {
            Err(Error::from_errno(error))
        } else {
            Ok(())
        })
    }

    /// When the fence was signalled; `None` if it was not yet.
    ///
    /// This one may also be called in the fence's callbacks.
    #[inline]
    pub fn timestamp(&self) -> Option<Instant<Monotonic>> {
        if !self.test_signaled_flag() {
            return None;
        }
        // INVARIANT: Just checked.
        let signaled = Signaled(self);

        loop {
            if let Some(timestamp) = signaled.timestamp() {
                return Some(timestamp);
            }
            // The flags are set one after the other, with interrupts off.
            cpu_relax();
        }
    }

    /// Asks for the fence to be signalled when the work is done, even if nobody waits for it.
    #[inline]
    pub fn enable_signaling(&self) {
        let _guard = rcu::read_lock();

        if !self.has_lost_lock() {
            abi::dma_fence_enable_signaling(self);
        }
    }

    /// Hints that somebody would like the fence to be signalled by `deadline`.
    #[inline]
    pub fn set_deadline(&self, deadline: Instant<Monotonic>) {
        abi::dma_fence_set_deadline(self, deadline.as_nanos());
    }

    /// Writes one line about the fence.
    #[inline]
    pub fn describe(&self, m: &SeqFile) {
        abi::dma_fence_describe(self, m);
    }

    /// The name of the driver that issued the fence; a placeholder once it is signalled.
    ///
    /// The name may go with the driver a grace period after the fence was signalled, and with some
    /// C drivers as soon as the fence does.
    #[inline]
    pub fn driver_name<'a>(&'a self, guard: &'a rcu::Guard) -> &'a CStr {
        self.name(true, guard)
    }

    /// The name of the fence's context. See [`driver_name`](Self::driver_name).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{dma_buf::Fence, sync::rcu};
    ///
    /// let fence = Fence::stub();
    /// let guard = rcu::read_lock();
    ///
    /// pr_info!("{:?} {:?}\n", fence.driver_name(&guard), fence.timeline_name(&guard));
    /// ```
    #[inline]
    pub fn timeline_name<'a>(&'a self, guard: &'a rcu::Guard) -> &'a CStr {
        self.name(false, guard)
    }

    #[inline(always)]
    fn name<'a>(&'a self, of_driver: bool, _guard: &'a rcu::Guard) -> &'a CStr {
        // SAFETY: The fence is valid. Either string is there as long as the fence is and the
        // read-side critical section, which the guard stands for, has not ended.
        unsafe {
            CStr::from_char_ptr(if of_driver {
                bindings::dma_fence_driver_name(self.as_raw())
            } else {
                bindings::dma_fence_timeline_name(self.as_raw())
            })
        }
    }

    #[inline]
    fn has_ops(&self, ops: *const bindings::dma_fence_ops) -> bool {
        // MODEL: none, because it is only compared.
        ptr::eq(self.fields().ops.load(Relaxed), ops)
    }

    /// Whether this is a [`FenceArray`](super::FenceArray).
    #[inline]
    pub fn is_array(&self) -> bool {
        self.has_ops(&raw const bindings::dma_fence_array_ops)
    }

    /// Whether this is a [`FenceChain`](super::FenceChain).
    #[inline]
    pub fn is_chain(&self) -> bool {
        self.has_ops(&raw const bindings::dma_fence_chain_ops)
    }

    /// Whether the fence stands for other fences. See [`unwrap`](Self::unwrap).
    #[inline]
    pub fn is_container(&self) -> bool {
        self.is_array() || self.is_chain()
    }
}
