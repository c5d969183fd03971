// SPDX-License-Identifier: GPL-2.0

//! Locking what turns out to be needed, by several at the same time.

use kernel::prelude::*;

#[kunit_tests(rust_dma_exec_race)]
mod tests {
    use super::*;
    use crate::{
        jobs::Jobs,
        resv::new, //
    };
    use kernel::{
        dma_buf::{
            AcquireCtx,
            Exec,
            Resv, //
        },
        sync::{
            atomic::{
                Atomic,
                Full,
                Relaxed, //
            },
            Arc,
            Completion, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    /// Two tasks that want the same two objects. The one that began first waits for the second,
    /// which has to let go.
    #[pin_data]
    struct Two {
        a: Arc<Resv>,
        b: Arc<Resv>,
        calls: [Atomic<u32>; 2],
        bad: Atomic<u32>,
        #[pin]
        first_has: Completion,
        #[pin]
        second_has: Completion,
    }

    impl Two {
        fn first(&self) -> Result {
            let mut locked = AcquireCtx::new()?.until_all_locked(|exec| {
                self.calls[0].add(1, Relaxed);
                exec.prepare(&self.a, 1)?;
                self.first_has.complete_all();
                self.second_has.wait_for_completion();
                exec.prepare(&self.b, 1)
            })?;

            self.expect(locked.guards().count() == 2);
            Ok(())
        }

        fn second(&self, f: impl Fn(&Self, &mut Exec, u32) -> Result) -> Result {
            self.first_has.wait_for_completion();
            let mut locked = AcquireCtx::new()?.until_all_locked(|exec| {
                let call = self.calls[1].fetch_add(1, Relaxed);

                exec.prepare(&self.b, 1)?;
                self.second_has.complete_all();
                f(self, exec, call)
            })?;

            // What is not wanted any more is not kept.
            let wanted = locked.guards().count();
            self.expect(locked.guard(&self.a).is_some() == (wanted == 2));
            self.expect((wanted == 1) == self.a.try_lock().is_some());
            self.expect(locked.slots().is_ok());
            Ok(())
        }

        fn expect(&self, good: bool) {
            if !good {
                self.bad.add(1, Relaxed);
            }
        }
    }

    /// What the second does once it has the one object. Returns how often both were called.
    fn opposite(
        f: impl Fn(&Two, &mut Exec, u32) -> Result + Send + 'static,
        result: Result,
    ) -> Result<[u32; 2]> {
        let (a, b) = (new()?, new()?);
        let two = Arc::pin_init(
            pin_init!(Two {
                a,
                b,
                calls: [Atomic::new(0), Atomic::new(0)],
                bad: Atomic::new(0),
                first_has <- Completion::new(),
                second_has <- Completion::new(),
            }),
            GFP_KERNEL,
        )?;
        let (first, second) = (two.clone(), two.clone());

        let mut jobs = Jobs::new()?;
        jobs.add(move || first.expect(first.first() == Ok(())))?;
        jobs.add(move || second.expect(second.second(f) == result))?;
        jobs.run();
        assert_eq!(two.bad.load(Relaxed), 0);
        assert!(two.a.try_lock().is_some() && two.b.try_lock().is_some());
        Ok(two.calls.each_ref().map(|calls| calls.load(Relaxed)))
    }

    #[test]
    fn opposite_orders() -> Result {
        let calls = opposite(
            |two, exec, call| {
                let result = exec.prepare(&two.a, 1);

                two.expect(exec.is_contended() == (call == 0));
                two.expect(result.err() == (call == 0).then_some(EDEADLK));
                // Nothing can be locked before all is unlocked.
                two.expect(call != 0 || exec.lock(&two.b) == Err(EDEADLK));
                two.expect(call != 0 || exec.try_lock(&two.a) == Err(EDEADLK));
                result
            },
            Ok(()),
        )?;

        assert_eq!(calls, [1, 2]);
        Ok(())
    }

    #[test]
    fn contention_that_is_not_told() -> Result {
        let calls = opposite(
            |two, exec, _| {
                let _ = exec.lock(&two.a);
                Ok(())
            },
            Ok(()),
        )?;
        assert_eq!(calls, [1, 2]);

        // An error of its own does not count then either.
        let calls = opposite(
            |two, exec, call| match exec.lock(&two.a) {
                Ok(()) => Err(ENOSPC),
                Err(_) => Err([EINVAL, ENOMEM][call as usize % 2]),
            },
            Err(ENOSPC),
        )?;
        assert_eq!(calls, [1, 2]);
        Ok(())
    }

    /// What was contended was a victim, and others will do as well.
    #[test]
    fn contended_and_not_wanted() -> Result {
        let calls = opposite(
            |two, exec, call| match call {
                0 => exec.lock(&two.a),
                _ => {
                    two.expect(exec.guard(&two.a).is_none() && !exec.unlock(&two.a));
                    Ok(())
                }
            },
            Ok(()),
        )?;

        assert_eq!(calls, [1, 2]);
        Ok(())
    }

    /// Three objects, and what only their owner may touch.
    struct Three {
        resvs: [Arc<Resv>; 3],
        owned: [Atomic<bool>; 3],
        rounds: Atomic<u32>,
        bad: Atomic<u32>,
    }

    impl Three {
        /// Locks two objects, and in the middle a third one for a moment.
        fn round(&self, order: [usize; 3], interruptible: bool) -> Result {
            let [a, b, c] = order.map(|index| &self.resvs[index]);
            let lock = |exec: &mut Exec| {
                exec.prepare(a, 1)?;
                match exec.try_lock(c) {
                    Ok(()) => {
                        self.owned(order[2], || fsleep(Delta::from_micros(20)));
                        exec.unlock(c);
                    }
                    Err(EBUSY) => {
                        exec.lock(c)?;
                        self.owned(order[2], || {});
                        exec.unlock(c);
                    }
                    Err(err) => return Err(err),
                }
                exec.prepare(b, 1)
            };
            let ctx = AcquireCtx::new()?;
            let mut locked = if interruptible {
                ctx.until_all_locked_interruptible(lock)?
            } else {
                ctx.until_all_locked(lock)?
            };

            self.owned(order[0], || {
                self.owned(order[1], || fsleep(Delta::from_micros(50)));
            });
            let guards = locked.guards().count();
            drop(locked);
            if guards == 2 {
                self.rounds.add(1, Relaxed);
            }
            Ok(())
        }

        fn owned(&self, index: usize, f: impl FnOnce()) {
            if self.owned[index].xchg(true, Full) {
                self.bad.add(1, Relaxed);
            }
            f();
            self.owned[index].store(false, Relaxed);
        }
    }

    #[test]
    fn any_order() -> Result {
        const JOBS: usize = 4;
        const ROUNDS: usize = 100;
        const ORDERS: [[usize; 3]; 6] = [
            [0, 1, 2],
            [2, 1, 0],
            [1, 0, 2],
            [2, 0, 1],
            [0, 2, 1],
            [1, 2, 0],
        ];

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
                    if three.round(order, round % 2 == 0).is_err() {
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
