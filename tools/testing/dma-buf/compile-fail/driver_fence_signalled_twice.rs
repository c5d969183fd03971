// SPDX-License-Identifier: GPL-2.0

//! The driver signals its fence once, and has it for itself then.

use kernel::{
    dma_buf::{
        DriverFence,
        FenceOps, //
    },
    prelude::*,
};

struct Job;

#[vtable]
impl FenceOps for Job {
    const DRIVER_NAME: &'static CStr = c"example";
}

fn twice(job: DriverFence<Job>) {
    job.signal();
    #[cfg(misuse)]
    job.signal_err(EIO); //~ ERROR use of moved value: `job`
}

fn data_after_signal(job: DriverFence<Job>) {
    #[cfg(misuse)]
    let data: &Job = &job;
    job.signal(); //~ ERROR cannot move out of `job` because it is borrowed
    #[cfg(misuse)]
    let _ = data;
}

fn borrowed(job: &DriverFence<Job>) {
    #[cfg(misuse)]
    job.signal(); //~ ERROR cannot move out of `*job` which is behind a shared reference
    job.fence().enable_signaling();
}
