// SPDX-License-Identifier: GPL-2.0

//! Doing things at the same time.

use kernel::{
    prelude::*,
    sync::{
        Arc,
        Completion, //
    },
    workqueue, //
};

/// Work items that begin together. Dropping this waits for them.
pub(crate) struct Jobs {
    start: Arc<Completion>,
    done: KVec<Arc<Completion>>,
}

impl Jobs {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            start: Arc::pin_init(Completion::new(), GFP_KERNEL)?,
            done: KVec::new(),
        })
    }

    /// Adds a job, which waits for [`run`](Self::run).
    pub(crate) fn add(&mut self, job: impl FnOnce() + Send + 'static) -> Result {
        let start = self.start.clone();
        let done = Arc::pin_init(Completion::new(), GFP_KERNEL)?;

        self.done.push(done.clone(), GFP_KERNEL)?;
        let job = move || {
            start.wait_for_completion();
            job();
            done.complete_all();
        };
        if let Err(err) = workqueue::system_unbound().try_spawn(GFP_KERNEL, job) {
            self.done.pop();
            return Err(err.into());
        }
        Ok(())
    }

    /// Lets the jobs begin.
    pub(crate) fn begin(&self) {
        self.start.complete_all();
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
