// SPDX-License-Identifier: GPL-2.0

//! Reservation objects that several use at the same time.

use kernel::prelude::*;

#[kunit_tests(rust_dma_resv_race)]
mod tests {
    use crate::{
        jobs::Jobs,
        mock::*,
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
                Full,
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
            let mut slots = guard.reserve_slots(constant.len() as u32)?;
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
                let mut slots = guard.reserve_slots(1)?;

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

    /// Three objects, and what only their owner may touch.
    struct Three {
        resvs: [Arc<Resv>; 3],
        owned: [Atomic<bool>; 3],
        rounds: Atomic<u32>,
        bad: Atomic<u32>,
    }

    const ORDERS: [[usize; 3]; 6] = [
        [0, 1, 2],
        [2, 1, 0],
        [1, 0, 2],
        [2, 0, 1],
        [0, 2, 1],
        [1, 2, 0],
    ];

    impl Three {
        fn lock(&self, order: [usize; 3], interruptible: bool) -> Result {
            let resvs = order.map(|index| &*self.resvs[index]);
            let ctx = AcquireCtx::new()?;
            let locked = if interruptible {
                ctx.lock_all_interruptible(&resvs)?
            } else {
                ctx.lock_all(&resvs)?
            };

            for owned in &self.owned {
                if owned.xchg(true, Full) {
                    self.bad.add(1, Relaxed);
                }
            }
            // Long enough for the others to queue up, each at the first of its objects.
            fsleep(Delta::from_micros(100));
            for owned in &self.owned {
                owned.store(false, Relaxed);
            }
            drop(locked);
            self.rounds.add(1, Relaxed);
            Ok(())
        }
    }

    #[test]
    fn locks_in_any_order() -> Result {
        const JOBS: usize = 4;
        const ROUNDS: usize = 100;

        let three = Arc::new(
            Three {
                resvs: [new()?, new()?, new()?],
                owned: [Atomic::new(false), Atomic::new(false), Atomic::new(false)],
                rounds: Atomic::new(0),
                bad: Atomic::new(0),
            },
            GFP_KERNEL,
        )?;

        let mut jobs = Jobs::new()?;
        for job in 0..JOBS {
            let three = three.clone();
            jobs.add(move || {
                for round in 0..ROUNDS {
                    let order = ORDERS[(job + round) % ORDERS.len()];
                    if three.lock(order, round % 2 == 0).is_err() {
                        three.bad.add(1, Relaxed);
                    }
                }
            })?;
        }
        jobs.run();
        assert_eq!(three.bad.load(Relaxed), 0);
        assert_eq!(three.rounds.load(Relaxed), (JOBS * ROUNDS) as u32);
        Ok(())
    }
}
