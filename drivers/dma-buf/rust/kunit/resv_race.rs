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
        dma_buf::{
            AcquireCtx,
            Fence,
            FenceContext,
            Resv,
            Usage, //
        },
        prelude::*,
        sync::{
            atomic::{
                Atomic,
                Full,
                Relaxed, //
            },
            Arc, //
        },
    };

    /// What the jobs of a test share.
    struct Shared {
        resv: Arc<Resv>,
        contexts: [FenceContext; 3],
        running: Atomic<u32>,
        bad: Atomic<u32>,
    }

    impl Shared {
        fn new() -> Result<Arc<Self>> {
            Ok(Arc::new(
                Self {
                    resv: new()?,
                    contexts: core::array::from_fn(|_| context()),
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

        fn knows(&self, fence: &Fence) -> bool {
            self.contexts
                .iter()
                .any(|context| context.id() == fence.context())
        }

        /// Adds fences and replaces them, some of them signalled by then.
        fn change(&self) -> Result {
            let context = &self.contexts[1];

            for round in 0..2000 {
                let (added, replacement) = (fence_of(context)?, fence_of(&self.contexts[2])?);
                let mut guard = self.resv.lock();
                let mut slots = guard.reserve_slots(2)?;

                self.expect(slots.add(added.fence(), Usage::Read));
                if round % 3 == 0 {
                    guard.replace_fences(context.id(), replacement.fence(), Usage::Bookkeep);
                } else if round % 7 == 0 {
                    drop(guard);
                    added.signal();
                }
            }
            Ok(())
        }

        /// Looks at the fences without the lock. `constant` is there all the time.
        fn look(&self, constant: &Fence) -> Result {
            while self.running.load(Relaxed) > 0 {
                let mut seen = 0;
                for item in self.resv.fences_unlocked(Usage::Bookkeep) {
                    if item.restarted {
                        seen = 0;
                    }
                    seen += u32::from(ptr::eq(&*item.fence, constant));
                    self.expect(self.knows(&item.fence));
                }
                self.expect(seen == 1);

                let all = self.resv.get_fences(Usage::Bookkeep)?;
                self.expect(all.iter().any(|fence| ptr::eq(&**fence, constant)));
                self.expect(all.iter().all(|fence| self.knows(fence)));
                drop(all);
                self.expect(!self.resv.test_signaled(Usage::Bookkeep));
            }
            Ok(())
        }
    }

    #[test]
    fn iteration_while_fences_change() -> Result {
        let shared = Shared::new()?;
        let owner = fence_of(&shared.contexts[0])?;
        shared
            .resv
            .lock()
            .reserve_slots(1)?
            .add(owner.fence(), Usage::Write);

        let mut jobs = Jobs::new()?;
        for _ in 0..2 {
            let (changer, looker, constant) = (shared.clone(), shared.clone(), share(&owner));

            shared.running.add(1, Relaxed);
            jobs.add(move || {
                changer.expect(changer.change().is_ok());
                changer.running.fetch_sub(1, Relaxed);
            })?;
            jobs.add(move || looker.expect(looker.look(&constant).is_ok()))?;
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
        const ROUNDS: usize = 2000;

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
