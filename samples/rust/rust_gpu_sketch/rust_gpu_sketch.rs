// SPDX-License-Identifier: GPL-2.0

//! Rust DRM sample: a device without hardware that is shaped like a GPU.
//!
//! It has "VRAM", smaller than what can be allocated from it: objects move out to system memory
//! and back. Jobs of two rings fill and copy objects, wait for fences and signal some. Objects are
//! exported, to importers that are told of each move, and imported.
//!
//! | | |
//! |---|---|
//! | `vram` | blocks of VRAM, and who is in them |
//! | `import` | memory of others |
//! | `memory` | what objects are made of, and how it moves |
//! | `ring` | jobs, what they wait for, and how they end |
//! | `submit` | from what user space wants to a job |
//! | `gpu` | what a device consists of |
//! | `exporter` | memory of ours for others |
//! | `driver` | objects and ioctls |
//!
//! There are two such devices, which can share objects. `samples/dma-buf/rust_gpu_sketch.h` is the
//! interface, `samples/dma-buf/gpu_sketch.c` a program to try it with, and
//! `Documentation/driver-api/dma-buf-rust-gpu-sample.rst` a tour.

use kernel::{
    dma::DmaMask,
    drm,
    prelude::*, //
};

mod driver;
mod exporter;
mod gpu;
mod import;
mod memory;
mod ring;
mod submit;
mod vram;

use driver::Driver;
use gpu::Gpu;

module! {
    type: Sketch,
    name: "rust_gpu_sketch",
    authors: ["Rust DMA-BUF developers"],
    description: "Rust sample: a sketch of a GPU",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
}

/// What the module is: two DRM devices. Dropped when it is unloaded, which the kernel refuses as
/// long as a file or a dma-buf of theirs is open, or a job waits for a fence of others.
#[pin_data]
struct Sketch {
    #[pin]
    _first: drm::faux::Registration<Driver>,
    #[pin]
    _second: drm::faux::Registration<Driver>,
}

impl kernel::InPlaceModule for Sketch {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let mask = DmaMask::new::<64>();

        try_pin_init!(Self {
            _first <- drm::faux::Registration::new(
                c"rust-gpu-sketch-0",
                mask,
                Ok(()),
                Gpu::new(c"rust-gpu-sketch-0-dma"),
            ),
            _second <- drm::faux::Registration::new(
                c"rust-gpu-sketch-1",
                mask,
                Ok(()),
                Gpu::new(c"rust-gpu-sketch-1-dma"),
            ),
        })
    }
}
