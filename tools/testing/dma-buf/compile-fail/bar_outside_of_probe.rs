// SPDX-License-Identifier: GPL-2.0
//~ NEEDS CONFIG_PCI

//! What others may reach of a device is set up while its driver is being bound, by nobody else.

use kernel::{
    device::{
        Bound,
        Core, //
    },
    dma_buf::BusMemory,
    pci,
    prelude::*,
    sync::Arc,
};

fn probe(dev: &pci::Device<Core<'_>>) -> Result<Arc<BusMemory>> {
    BusMemory::of_bar(dev, 0)
}

fn later(dev: &pci::Device<Bound>) -> Result<Arc<BusMemory>> {
    #[cfg(misuse)]
    return BusMemory::of_bar(dev, 0); //~ ERROR mismatched types
    let _ = dev;
    Err(ENODEV)
}
