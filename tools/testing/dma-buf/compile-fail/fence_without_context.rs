// SPDX-License-Identifier: GPL-2.0

//! A fence does not leave its context behind by mistake.

use kernel::{
    dma_buf::{
        DriverFence,
        FenceContext,
        FenceContextOps, //
    },
    prelude::*,
};

struct Queue;

impl FenceContextOps for Queue {
    type FenceDataType = ();
}

fn leaves(queue: Pin<KBox<FenceContext<Queue>>>) -> Result<DriverFence<'static, Queue>> {
    let job = queue.new_fence_allocation(())?.new_fence();

    #[cfg(misuse)]
    return Ok(job); //~ ERROR cannot return value referencing function parameter `queue`
    Ok(job.detach())
}
