// SPDX-License-Identifier: GPL-2.0

//! A job has no lock with it. Neither of the tokens can be made up, or leaves the task.

use kernel::{
    dma_buf::{
        AcquireCtx,
        Fence,
        FenceContextOps,
        JobQueue,
        LockedExec,
        LockedResvs,
        MaySleep,
        Resv,
        ResvGuard,
        Signalling,
        SignallingJob,
        SignallingWork,
        Slots, //
    },
    prelude::*,
    sync::Arc,
};

struct Ring;

impl FenceContextOps for Ring {
    type FenceDataType = ();
}

struct Job<T> {
    queue: Arc<JobQueue>,
    _data: T,
}

impl<T: Send + Sync + 'static> SignallingWork for Job<T> {
    type Ops = Ring;

    fn queue(&self) -> &JobQueue {
        &self.queue
    }

    fn run(&self, _fence: &Fence, _signalling: &Signalling) -> Result {
        Ok(())
    }
}

fn job<T: Send + Sync + 'static>(queue: &Arc<JobQueue>, data: T) -> Result<SignallingJob<Job<T>>> {
    SignallingJob::new(Job {
        queue: queue.clone(),
        _data: data,
    })
}

fn of_locks(
    queue: &Arc<JobQueue>,
    guard: ResvGuard<'static>,
    slots: Slots<'static>,
    exec: LockedExec,
    all: LockedResvs<'static>,
) -> Result {
    #[cfg(misuse)]
    job(queue, guard)?; //~ ERROR cannot be sent between threads safely
    #[cfg(misuse)]
    job(queue, slots)?; //~ ERROR cannot be sent between threads safely
    #[cfg(misuse)]
    job(queue, exec)?; //~ ERROR cannot be sent between threads safely
    #[cfg(misuse)]
    job(queue, all)?; //~ ERROR cannot be sent between threads safely
    #[cfg(not(misuse))]
    drop((guard, slots, exec, all));
    job(queue, Arc::pin_init(Resv::new(), GFP_KERNEL)?)?;
    Ok(())
}

fn share<T: Sync>(_value: &T) {}

fn of_tokens(signalling: &Signalling, may_sleep: &MaySleep) {
    #[cfg(misuse)]
    share(signalling); //~ ERROR cannot be shared between threads safely
    #[cfg(misuse)]
    share(may_sleep); //~ ERROR cannot be shared between threads safely
    let _used = (signalling, may_sleep);
    share(&0);
}

fn made_up(ctx: AcquireCtx, resvs: &[&Resv]) -> Result {
    let locked = ctx.lock_all(resvs)?;

    #[cfg(misuse)]
    Signalling::enter(|signalling| drop(signalling)); //~ ERROR is private
    #[cfg(misuse)]
    MaySleep::enter(|may_sleep| drop(may_sleep)); //~ ERROR is private
    drop(locked);
    Ok(())
}
