// SPDX-License-Identifier: GPL-2.0

//! The driver signals its fence once, and has it for itself then.

use kernel::{
    dma_buf::{
        DriverFence,
        FenceContextOps, //
    },
    prelude::*,
};

struct Queue;
struct Job;

impl FenceContextOps for Queue {
    type FenceDataType = Job;
}

fn twice(job: DriverFence<'_, Queue>) {
    job.signal(Ok(()));
    #[cfg(misuse)]
    job.signal(Err(EIO)); //~ ERROR use of moved value: `job`
}

fn data_after_signal(job: DriverFence<'_, Queue>) {
    #[cfg(misuse)]
    let data: &Job = &job;
    job.signal(Ok(())); //~ ERROR cannot move out of `job` because it is borrowed
    #[cfg(misuse)]
    let _ = data;
}

fn borrowed(job: &DriverFence<'_, Queue>) {
    #[cfg(misuse)]
    job.signal(Ok(())); //~ ERROR cannot move out of `*job` which is behind a shared reference
    job.as_fence().enable_signaling();
}
