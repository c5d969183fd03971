// SPDX-License-Identifier: GPL-2.0

//! Memory that was allocated ahead is for one fence, and a chain link for one point.

use kernel::{
    dma_buf::{
        ChainLink,
        ChainMember,
        DriverFence,
        DriverFenceAllocation,
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

fn two_fences<'a>(memory: DriverFenceAllocation<'a, Queue>) -> DriverFence<'a, Queue> {
    let first = memory.new_fence();

    #[cfg(misuse)]
    let first = memory.new_fence(); //~ ERROR use of moved value: `memory`
    first
}

fn two_points(link: ChainLink, member: ChainMember) -> ARef<Fence> {
    let first = link.link(None, member, 1);

    #[cfg(misuse)]
    let first = link.link(Some(first), member, 2); //~ ERROR use of moved value: `link`
    first
}
