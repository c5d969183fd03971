// SPDX-License-Identifier: GPL-2.0

//! A name is there as long as the fence and the RCU read-side critical section are.

use kernel::{
    dma_buf::Fence,
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    },
};

fn without_fence(fence: ARef<Fence>) {
    let guard = rcu::read_lock();
    let name = fence.timeline_name(&guard);
    #[cfg(misuse)]
    drop(fence); //~ ERROR cannot move out of `fence` because it is borrowed
    pr_info!("{name:?}\n");
}

fn without_guard(fence: &Fence) {
    let guard = rcu::read_lock();
    let name = fence.driver_name(&guard);
    #[cfg(misuse)]
    drop(guard); //~ ERROR cannot move out of `guard` because it is borrowed
    pr_info!("{name:?}\n");
}
