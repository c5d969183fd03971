// SPDX-License-Identifier: GPL-2.0

//! Doing things at the same time.

use kernel::{
    prelude::*,
    processor::cpu_relax,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        Completion, //
    },
    workqueue, //
};

/// How long a job that is awake waits for the others before it begins without them. They may need
/// its processor.
const PATIENCE: usize = 10_000;

/// Where jobs wait for each other.
#[pin_data]
struct Gate {
    #[pin]
    open: Completion,
    awaited: Atomic<u32>,
}

impl Gate {
    fn pass(&self) {
        self.open.wait_for_completion();
        self.awaited.fetch_sub(1, Full);
        for _ in 0..PATIENCE {
            if self.awaited.load(Relaxed) == 0 {
                break;
            }
            cpu_relax();
        }
    }
}

/// Work items that begin together. Dropping this waits for them.
pub(crate) struct Jobs {
    gate: Arc<Gate>,
    done: KVec<Arc<Completion>>,
}

impl Jobs {
    pub(crate) fn new() -> Result<Self> {
        let gate = Arc::pin_init(
            pin_init!(Gate {
                open <- Completion::new(),
                awaited: Atomic::new(0),
            }),
            GFP_KERNEL,
        )?;

        Ok(Self {
            gate,
            done: KVec::new(),
        })
    }

    /// Adds a job, which waits for [`run`](Self::run).
    pub(crate) fn add(&mut self, job: impl FnOnce() + Send + 'static) -> Result {
        let gate = self.gate.clone();
        let done = Arc::pin_init(Completion::new(), GFP_KERNEL)?;

        self.done.push(done.clone(), GFP_KERNEL)?;
        let job = move || {
            gate.pass();
            job();
            done.complete_all();
        };
        if let Err(err) = workqueue::system_unbound().try_spawn(GFP_KERNEL, job) {
            self.done.pop();
            return Err(err.into());
        }
        self.gate.awaited.add(1, Relaxed);
        Ok(())
    }

    /// Lets the jobs begin. There must not be more of them afterwards.
    pub(crate) fn begin(&self) {
        self.gate.open.complete_all();
    }

    /// Lets the jobs begin, and waits for them.
    pub(crate) fn run(self) {}
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.begin();
        for done in &self.done {
            done.wait_for_completion();
        }
    }
}
