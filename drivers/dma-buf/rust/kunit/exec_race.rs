// SPDX-License-Identifier: GPL-2.0

//! Locking what turns out to be needed, by several at the same time.

use kernel::prelude::*;

#[kunit_tests(rust_dma_exec_race)]
mod tests {
    use super::*;
    use crate::{
        jobs::Jobs,
        orders::{
            Three,
            ALL_ROUNDS, //
        },
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
            // The second waits for the other one. It is to find this one free then.
            self.expect(locked.unlock(&self.b));
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

    /// Locks two objects, and in the middle a third one for a moment.
    fn round(three: &Three, order: [usize; 3], interruptible: bool) -> Result {
        let [a, b, c] = order.map(|index| &three.resvs[index]);
        let lock = |exec: &mut Exec| {
            exec.prepare(a, 1)?;
            match exec.try_lock(c) {
                Ok(()) => {
                    three.owned(order[2], || fsleep(Delta::from_micros(20)));
                    exec.unlock(c);
                }
                Err(EBUSY) => {
                    exec.lock(c)?;
                    three.owned(order[2], || {});
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

        three.owned(order[0], || {
            three.owned(order[1], || fsleep(Delta::from_micros(50)));
        });
        let guards = locked.guards().count();
        drop(locked);
        if guards == 2 {
            three.count_round();
        }
        Ok(())
    }

    #[test]
    fn any_order() -> Result {
        let (bad, rounds) = Three::lock_in_any_order(round)?;

        assert_eq!(bad, 0);
        assert_eq!(rounds, ALL_ROUNDS);
        Ok(())
    }
}
