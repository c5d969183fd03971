// SPDX-License-Identifier: GPL-2.0

//! Who only shares a fence cannot signal it, nor become the one who can.

use kernel::{
    dma_buf::{
        DriverFence,
        Fence,
        FenceContextOps, //
    },
    prelude::*,
    sync::aref::ARef,
};

struct Queue;
struct Job;

impl FenceContextOps for Queue {
    type FenceDataType = Job;
}

fn shared(fence: ARef<Fence>) {
    #[cfg(misuse)]
    fence.signal(Ok(())); //~ ERROR no method named `signal` found
    fence.enable_signaling();
}

fn of_a_job(job: &DriverFence<'_, Queue>) {
    #[cfg(misuse)]
    job.as_fence().signal(Ok(())); //~ ERROR no method named `signal` found
    job.as_fence().enable_signaling();
}

#[cfg(misuse)]
fn copied<'a>(job: &DriverFence<'a, Queue>) -> DriverFence<'a, Queue> {
    job.clone() //~ ERROR mismatched types
}

fn given_away(job: DriverFence<'_, Queue>) {
    job.signal(Ok(()));
}
