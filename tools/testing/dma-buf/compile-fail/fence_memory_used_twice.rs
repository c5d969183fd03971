// SPDX-License-Identifier: GPL-2.0

//! Memory that was allocated ahead is for one fence, and a chain link for one point.

use kernel::{
    dma_buf::{
        ChainLink,
        ChainMember,
        DriverFence,
        Fence,
        FenceAllocation,
        FenceContext,
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

fn two_fences(queue: &FenceContext, memory: FenceAllocation<Job>) -> DriverFence<Job> {
    let first = queue.fence(memory, Job);

    #[cfg(misuse)]
    let first = queue.fence(memory, Job); //~ ERROR use of moved value: `memory`
    first
}

fn two_points(link: ChainLink, member: ChainMember) -> ARef<Fence> {
    let first = link.link(None, member, 1);

    #[cfg(misuse)]
    let first = link.link(Some(first), member, 2); //~ ERROR use of moved value: `link`
    first
}
