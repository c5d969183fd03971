// SPDX-License-Identifier: GPL-2.0

//! Reservation objects that several lock, in whatever order.

use crate::{
    jobs::Jobs,
    resv::new, //
};
use kernel::{
    dma_buf::Resv,
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

const JOBS: usize = 4;
const ROUNDS: usize = 100;
pub(crate) const ALL_ROUNDS: u32 = (JOBS * ROUNDS) as u32;
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
    [2, 0, 1],
    [0, 2, 1],
    [1, 2, 0],
];

/// Three objects, and what only their owner may touch.
pub(crate) struct Three {
    pub(crate) resvs: [Arc<Resv>; 3],
    owned: [Atomic<bool>; 3],
    rounds: Atomic<u32>,
    bad: Atomic<u32>,
}

impl Three {
    /// Calls `f` as the owner of an object, which it is expected to be.
    pub(crate) fn owned(&self, index: usize, f: impl FnOnce()) {
        if self.owned[index].xchg(true, Full) {
            self.bad.add(1, Relaxed);
        }
        f();
        self.owned[index].store(false, Relaxed);
    }

    /// A round has come to its end.
    pub(crate) fn count_round(&self) {
        self.rounds.add(1, Relaxed);
    }

    /// Calls `round` in several tasks at a time, with the objects in any order, and every other
    /// time so that it waits interruptibly. Returns how often something was not as expected, and
    /// how many rounds were counted, of [`ALL_ROUNDS`].
    pub(crate) fn lock_in_any_order(
        round: fn(&Self, [usize; 3], bool) -> Result,
    ) -> Result<(u32, u32)> {
        let three = Arc::new(
            Self {
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
                for number in 0..ROUNDS {
                    let order = ORDERS[(job + number) % ORDERS.len()];
                    if round(&three, order, number % 2 == 0).is_err() {
                        three.bad.add(1, Relaxed);
                    }
                }
            })?;
        }
        jobs.run();
        Ok((three.bad.load(Relaxed), three.rounds.load(Relaxed)))
    }
}
