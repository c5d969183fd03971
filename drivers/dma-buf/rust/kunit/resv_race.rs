// SPDX-License-Identifier: GPL-2.0

//! Reservation objects that several use at the same time.

use kernel::prelude::*;

#[kunit_tests(rust_dma_resv_race)]
mod tests {
    use crate::{
        jobs::Jobs,
        mock::*,
        orders::{
            Three,
            ALL_ROUNDS, //
        },
        resv::new, //
    };
    use core::ptr;
    use kernel::{
        bindings,
        dma_buf::{
            AcquireCtx,
            Fence,
            Resv,
            Usage, //
        },
        error::to_result,
        prelude::*,
        sync::{
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    /// What the jobs of a test share.
    struct Shared {
        resv: Arc<Resv>,
        // The fences that come and go are of these.
        added: Context,
        replacing: Context,
        constant: KVec<PlainFence>,
        running: Atomic<u32>,
        bad: Atomic<u32>,
    }

    impl Shared {
        fn new() -> Result<Arc<Self>> {
            let (resv, constant) = (new()?, fences(16)?);

            let mut guard = resv.lock();
            let mut slots = guard.reserve_fences(constant.len() as u32)?;
            for fence in &constant {
                slots.add(fence.as_leaf(), Usage::Write);
            }
            drop(guard);

            Ok(Arc::new(
                Self {
                    resv,
                    added: context()?,
                    replacing: context()?,
                    constant,
                    running: Atomic::new(0),
                    bad: Atomic::new(0),
                },
                GFP_KERNEL,
            )?)
        }

        fn expect(&self, good: bool) {
            if !good {
                self.bad.add(1, Relaxed);
            }
        }

        fn is_constant(&self, fence: &Fence) -> bool {
            self.constant
                .iter()
                .any(|owner| ptr::eq(owner.as_fence(), fence))
        }

        /// Counts what is there all the time, and expects no strangers.
        fn count(&self, seen: &mut usize, fence: &Fence) {
            if self.is_constant(fence) {
                *seen += 1;
            } else {
                let context = fence.context();
                self.expect(context == self.added.id() || context == self.replacing.id());
            }
        }

        /// Adds fences and replaces them, some of them signalled by then.
        fn change(&self) -> Result {
            for round in 0..200 {
                let (added, replacing) = (fence_of(&self.added)?, fence_of(&self.replacing)?);
                let mut guard = self.resv.lock();

                if round % 2 == 0 {
                    // Puts the same fences into another list.
                    let resv = self.resv.as_raw();
                    // SAFETY: The object is locked.
                    to_result(unsafe { bindings::dma_resv_copy_fences(resv, resv) })?;
                }
                let mut slots = guard.reserve_fences(1)?;

                self.expect(slots.add(added.as_leaf(), Usage::Read));
                if round % 3 == 0 {
                    guard.replace_fences(&self.added, replacing.as_fence(), Usage::Bookkeep)?;
                } else if round % 7 == 0 {
                    drop(guard);
                    added.signal(Ok(()));
                }
            }
            Ok(())
        }

        /// Looks at the fences without the lock.
        fn look(&self) -> Result {
            while self.running.load(Relaxed) > 0 {
                let mut seen = 0;
                for item in self.resv.fences_unlocked(Usage::Bookkeep) {
                    if item.restarted {
                        seen = 0;
                    }
                    self.count(&mut seen, &item.fence);
                }
                self.expect(seen == self.constant.len());

                let mut seen = 0;
                for fence in self.resv.get_fences(Usage::Bookkeep)? {
                    self.count(&mut seen, &fence);
                }
                self.expect(seen == self.constant.len());
                self.expect(!self.resv.test_signaled(Usage::Bookkeep));
            }
            Ok(())
        }
    }

    #[test]
    fn iteration_while_fences_change() -> Result {
        let shared = Shared::new()?;
        let mut jobs = Jobs::new()?;

        for _ in 0..2 {
            let (changer, looker) = (shared.clone(), shared.clone());

            shared.running.add(1, Relaxed);
            jobs.add(move || {
                changer.expect(changer.change().is_ok());
                changer.running.fetch_sub(1, Relaxed);
            })?;
            jobs.add(move || looker.expect(looker.look().is_ok()))?;
        }
        jobs.run();
        assert_eq!(shared.bad.load(Relaxed), 0);
        Ok(())
    }

    fn round(three: &Three, order: [usize; 3], interruptible: bool) -> Result {
        let resvs = order.map(|index| &*three.resvs[index]);
        let ctx = AcquireCtx::new()?;
        let locked = if interruptible {
            ctx.lock_all_interruptible(&resvs)?
        } else {
            ctx.lock_all(&resvs)?
        };

        // Long enough for the others to queue up, each at the first of its objects.
        let hold = || fsleep(Delta::from_micros(100));
        three.owned(0, || three.owned(1, || three.owned(2, hold)));
        drop(locked);
        three.count_round();
        Ok(())
    }

    #[test]
    fn locks_in_any_order() -> Result {
        let (bad, rounds) = Three::lock_in_any_order(round)?;

        assert_eq!(bad, 0);
        assert_eq!(rounds, ALL_ROUNDS);
        Ok(())
    }
}
