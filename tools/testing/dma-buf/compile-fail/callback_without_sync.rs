// SPDX-License-Identifier: GPL-2.0

//! A callback runs wherever the fence is signalled, and for as long as it is registered.

use core::cell::Cell;
use kernel::{
    dma_buf::{
        Fence,
        FenceCallback, //
    },
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

#[cfg(misuse)]
struct Count(Cell<u32>);

#[cfg(misuse)]
impl FenceCallback for Count {
    //~^ ERROR `Cell<u32>` cannot be shared between threads safely
    fn signaled(&self, _fence: &Fence) {
        self.0.set(1);
    }
}

#[cfg(misuse)]
struct Borrowed<'a>(&'a Atomic<u32>);

#[cfg(misuse)]
impl<'a> FenceCallback for Borrowed<'a> {
    //~^ ERROR lifetime bound not satisfied
    fn signaled(&self, _fence: &Fence) {
        self.0.store(1, Relaxed);
    }
}

struct Seen(Atomic<u32>);

impl FenceCallback for Seen {
    fn signaled(&self, _fence: &Fence) {
        self.0.store(1, Relaxed);
    }
}
