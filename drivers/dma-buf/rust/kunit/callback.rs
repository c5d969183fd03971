// SPDX-License-Identifier: GPL-2.0

//! Callbacks.

use kernel::{
    dma_buf::{
        Fence,
        FenceCallback,
        FenceStatus, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// How often callbacks were called.
pub(crate) struct Calls {
    pub(crate) count: Atomic<u32>,
    /// Calls that were not what they should be.
    pub(crate) bad: Atomic<u32>,
}

impl Calls {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                count: Atomic::new(0),
                bad: Atomic::new(0),
            },
            GFP_KERNEL,
        )?)
    }
}

/// A callback that counts.
pub(crate) struct Count {
    calls: Arc<Calls>,
    alive: Atomic<bool>,
}

impl Count {
    pub(crate) fn new(calls: &Arc<Calls>) -> Self {
        Self {
            calls: calls.clone(),
            alive: Atomic::new(true),
        }
    }
}

impl FenceCallback for Count {
    fn on_signal(&mut self) {
        self.calls.count.add(1, Relaxed);
    }

    fn on_signal_of(&mut self, fence: &Fence) {
        if !self.alive.load(Relaxed) || matches!(fence.status(), FenceStatus::Pending) {
            self.calls.bad.add(1, Relaxed);
        }
        self.on_signal();
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.alive.store(false, Relaxed);
    }
}

#[kunit_tests(rust_dma_fence_callback)]
mod tests {
    use super::*;
    use crate::{
        jobs::Jobs,
        mock::*, //
    };
    use kernel::dma_buf::{
        CallbackError,
        FenceCallbackRegistration, //
    };

    #[test]
    fn runs_once() -> Result {
        let calls = Calls::new()?;
        let owner = fence()?;
        let fence = share(&owner);
        let _a = KBox::pin_init(
            FenceCallbackRegistration::new(&fence, Count::new(&calls)),
            GFP_KERNEL,
        )?;
        let _b = KBox::pin_init(
            FenceCallbackRegistration::new(&fence, Count::new(&calls)),
            GFP_KERNEL,
        )?;

        assert_eq!(calls.count.load(Relaxed), 0);
        owner.signal(Ok(()));
        assert_eq!(calls.count.load(Relaxed), 2);
        fence.enable_signaling();
        assert_eq!(calls.count.load(Relaxed), 2);
        assert_eq!(calls.bad.load(Relaxed), 0);
        Ok(())
    }

    /// The lock of a C driver may be freed when its fence is signalled.
    #[test]
    fn dropped_without_the_lock() -> Result {
        let (calls, lent) = (Calls::new()?, lent_lock()?);
        let registration = KBox::pin_init(
            FenceCallbackRegistration::new(lent.fence(), Count::new(&calls)),
            GFP_KERNEL,
        )?;
        let fence = lent.end();

        assert_eq!(calls.count.load(Relaxed), 1);
        drop(registration);
        assert!(fence.is_signaled());
        Ok(())
    }

    #[test]
    fn runs_on_error() -> Result {
        struct Error(Arc<Atomic<i32>>);

        impl FenceCallback for Error {
            fn on_signal(&mut self) {}

            fn on_signal_of(&mut self, fence: &Fence) {
                if let FenceStatus::Signaled(Err(err)) = fence.status() {
                    self.0.store(err.to_errno(), Relaxed);
                }
            }
        }

        let owner = fence()?;
        let seen = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let _registration = KBox::pin_init(
            FenceCallbackRegistration::new(owner.as_fence(), Error(seen.clone())),
            GFP_KERNEL,
        )?;

        drop(owner);
        assert_eq!(seen.load(Relaxed), ECANCELED.to_errno());
        Ok(())
    }

    #[test]
    fn enables_signaling() -> Result {
        let (log, calls) = (Log::new()?, Calls::new()?);
        let owner = logged(&log, false)?;
        let _registration = KBox::pin_init(
            FenceCallbackRegistration::new(owner.as_fence(), Count::new(&calls)),
            GFP_KERNEL,
        )?;

        assert_eq!(log.enabled.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn too_late() -> Result {
        let (log, calls) = (Log::new()?, Calls::new()?);
        let done = logged(&log, true)?;

        for fence in [&Fence::stub(), &share(&done)] {
            let registration = FenceCallbackRegistration::new(fence, Count::new(&calls));
            let Err(CallbackError::AlreadySignaled(callback)) =
                KBox::try_pin_init(registration, GFP_KERNEL)
            else {
                return Err(EINVAL);
            };
            assert!(callback.alive.load(Relaxed));
        }
        assert_eq!(calls.count.load(Relaxed), 0);
        Ok(())
    }

    #[test]
    fn taken_back() -> Result {
        let calls = Calls::new()?;
        let owner = fence()?;
        let register = || {
            KBox::pin_init(
                FenceCallbackRegistration::new(owner.as_fence(), Count::new(&calls)),
                GFP_KERNEL,
            )
        };
        let (a, b, c) = (register()?, register()?, register()?);

        drop(b);
        drop(a);
        owner.signal(Ok(()));
        assert_eq!(calls.count.load(Relaxed), 1);
        drop(c);
        Ok(())
    }

    /// The callback is taken back by one, while the fence is signalled by another.
    #[test]
    fn taken_back_while_signaling() -> Result {
        const ROUNDS: u32 = 200;

        let calls = Calls::new()?;
        for round in 0..ROUNDS {
            let owner = fence()?;
            let registration = KBox::pin_init(
                FenceCallbackRegistration::new(owner.as_fence(), Count::new(&calls)),
                GFP_KERNEL,
            )?;

            let mut jobs = Jobs::new()?;
            if round % 2 == 0 {
                jobs.add(move || owner.signal(Ok(())))?;
                jobs.add(move || drop(registration))?;
            } else {
                jobs.add(move || drop(registration))?;
                jobs.add(move || owner.signal(Ok(())))?;
            }
            jobs.run();
        }
        assert!(calls.count.load(Relaxed) <= ROUNDS);
        assert_eq!(calls.bad.load(Relaxed), 0);
        Ok(())
    }

    /// Who finds a fence signalled finds what its callbacks have done.
    #[test]
    fn is_signaled_when_all_have_run() -> Result {
        let calls = Calls::new()?;

        for round in 1..=100 {
            let owner = fence()?;
            let fence = share(&owner);
            let _registration = KBox::pin_init(
                FenceCallbackRegistration::new(&fence, Count::new(&calls)),
                GFP_KERNEL,
            )?;

            let mut jobs = Jobs::new()?;
            let seen = calls.clone();
            jobs.add(move || {
                // Not for ever: there may be one CPU only.
                let signaled = (0..10_000).any(|_| fence.is_signaled());
                if signaled && seen.count.load(Relaxed) != round {
                    seen.bad.add(1, Relaxed);
                }
            })?;
            jobs.add(move || owner.signal(Ok(())))?;
            jobs.run();
        }
        assert_eq!(calls.count.load(Relaxed), 100);
        assert_eq!(calls.bad.load(Relaxed), 0);
        Ok(())
    }
}
