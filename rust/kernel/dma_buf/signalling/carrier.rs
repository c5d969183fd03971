// SPDX-License-Identifier: GPL-2.0

//! Who takes a job from one step to the next.
//!
//! A [`Carrier`] is neither generic nor inlined, so that it is in the kernel and not in a driver's
//! module: it is here that a step's code comes back to, and the module may go when the last has.

use crate::{
    interop::module_ref::ModuleRef,
    new_work,
    prelude::*,
    sync::Arc,
    workqueue::{
        impl_has_work,
        OwnedQueue,
        Work,
        WorkItem, //
    },
};

/// What becomes of a job, with code of its driver's.
pub(super) trait Steps: Send + Sync {
    /// The first.
    fn run(&self);

    /// The second.
    fn clean_up(&self);

    /// Where the second is done.
    fn clean_up_queue(&self) -> Arc<OwnedQueue>;
}

#[pin_data]
pub(super) struct Carrier {
    // Dropped in this order: the code of the job is in the module.
    job: Option<Arc<dyn Steps>>,
    _module: ModuleRef,
    #[pin]
    run: Work<Carrier, RUN>,
    #[pin]
    clean_up: Work<Carrier, CLEAN_UP>,
}

/// What is to be done with a job, first the one, then the other.
const RUN: u64 = 0;
const CLEAN_UP: u64 = 1;

impl_has_work! {
    impl HasWork<Self, RUN> for Carrier { self.run }
    impl HasWork<Self, CLEAN_UP> for Carrier { self.clean_up }
}

impl Carrier {
    /// For a job whose code is where the address `code` is. Fails with `ENOENT` if that module is
    /// about to be unloaded, and with `ENOMEM`. May sleep.
    #[inline(never)]
    pub(super) fn new(code: usize) -> Result<Pin<KBox<Self>>> {
        KBox::try_pin_init(
            try_pin_init!(Self {
                job: None,
                _module: ModuleRef::of(code)?,
                run <- new_work!("dma_buf::SignallingJob::run"),
                clean_up <- new_work!("dma_buf::SignallingJob::clean_up"),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Has `job`, which it was made for, run in `queue`. Any context.
    #[inline(never)]
    pub(super) fn start(mut self: Pin<KBox<Self>>, job: Arc<dyn Steps>, queue: &OwnedQueue) {
        *self.as_mut().project().job = Some(job);
        queue.enqueue::<_, RUN>(self);
    }
}

impl WorkItem<RUN> for Carrier {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>) {
        let Some(job) = &this.job else {
            return;
        };

        job.run();
        // It may be cleaned up, and be gone, before this returns.
        let queue = job.clean_up_queue();
        queue.enqueue::<_, CLEAN_UP>(this);
    }
}

impl WorkItem<CLEAN_UP> for Carrier {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>) {
        if let Some(job) = &this.job {
            job.clean_up();
        }
        drop(this);
    }
}
