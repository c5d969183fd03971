// SPDX-License-Identifier: GPL-2.0

//! KUnit suites for fences, reservation objects, sync files and buffers.
//!
//! They use what [`kernel::dma_buf`] offers to drivers, which calls exported symbols only, so they
//! say the same of every implementation of these.

use kernel::prelude::*;

mod area;
mod array;
#[cfg(all(CONFIG_PCI, not(CONFIG_PCI_P2PDMA)))]
mod bus;
#[cfg(CONFIG_PCI)]
mod bus_ranges;
mod callback;
#[cfg(CONFIG_DRM = "y")]
mod card;
mod careless;
mod chain;
mod coherent;
mod deadline;
mod dynamic;
#[cfg(CONFIG_DMABUF_RUST_KUNIT_PEER)]
mod edu;
mod exec;
mod exec_race;
mod exporter;
mod fence;
mod forgotten;
#[cfg(CONFIG_DRM = "y")]
mod gem;
#[cfg(all(CONFIG_DRM = "y", CONFIG_RUST_DRM_GEM_SHMEM_HELPER))]
mod gem_shmem;
mod importer;
mod importing;
mod iomem;
mod jobs;
mod merge;
mod mock;
mod moves;
mod names;
mod orders;
#[cfg(CONFIG_DMABUF_RUST_KUNIT_PEER)]
mod peer;
#[cfg(CONFIG_DMABUF_HEAPS_POOL)]
mod pool;
mod resv;
mod resv_list;
mod resv_race;
mod signalling;
mod sync_file;
#[cfg(CONFIG_DRM = "y")]
mod syncobj;
mod tables;
mod text;
mod unwise;
mod upstream;
mod wait;
mod warnings;
#[cfg(CONFIG_MMU)]
mod window;

module! {
    type: Tests,
    name: "dmabuf_rust_kunit",
    authors: ["Rust DMA-BUF developers"],
    description: "KUnit suites for fences, reservation objects, sync files and buffers",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
}

/// The module, which has nothing to do: KUnit finds the suites by itself.
struct Tests;

impl kernel::Module for Tests {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
