// SPDX-License-Identifier: GPL-2.0

//! A callback runs wherever the fence is signalled, and for as long as it is registered.

use kernel::{
    dma_buf::FenceCallback,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

#[cfg(misuse)]
struct Here(*mut u32);

#[cfg(misuse)]
impl FenceCallback for Here {
    //~^ ERROR `*mut u32` cannot be sent between threads safely
    fn on_signal(&mut self) {}
}

#[cfg(misuse)]
struct Borrowed<'a>(&'a Atomic<u32>);

#[cfg(misuse)]
impl<'a> FenceCallback for Borrowed<'a> {
    //~^ ERROR lifetime bound not satisfied
    fn on_signal(&mut self) {
        self.0.store(1, Relaxed);
    }
}

struct Seen(Atomic<u32>);

impl FenceCallback for Seen {
    fn on_signal(&mut self) {
        self.0.store(1, Relaxed);
    }
}
