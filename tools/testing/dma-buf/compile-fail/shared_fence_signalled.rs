// SPDX-License-Identifier: GPL-2.0

//! Who only shares a fence cannot signal it, nor become the one who can.

use kernel::{
    dma_buf::{
        DriverFence,
        Fence,
        FenceOps, //
    },
    prelude::*,
    sync::aref::ARef,
};

struct Job;

#[vtable]
impl FenceOps for Job {
    const DRIVER_NAME: &'static CStr = c"example";
}

fn shared(fence: ARef<Fence>) {
    #[cfg(misuse)]
    fence.signal(); //~ ERROR no method named `signal` found
    fence.enable_signaling();
}

fn of_a_job(job: &DriverFence<Job>) {
    #[cfg(misuse)]
    job.fence().signal(); //~ ERROR no method named `signal` found
    job.fence().enable_signaling();
}

#[cfg(misuse)]
fn copied(job: &DriverFence<Job>) -> DriverFence<Job> {
    job.clone() //~ ERROR expected `DriverFence<Job>`, found `&DriverFence<Job>`
}

fn given_away(job: DriverFence<Job>) {
    job.signal();
}
