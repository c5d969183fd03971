// SPDX-License-Identifier: GPL-2.0

//! QEMU's `edu`: a device that copies to and from addresses on the bus.

use kernel::{
    dma::DmaAddress,
    io::{
        poll::read_poll_timeout,
        Io, //
    },
    pci,
    prelude::*,
    time::Delta, //
};

/// The vendor's number, for which the kernel has no name.
pub(crate) const VENDOR: u16 = 0x1234;
pub(crate) const DEVICE: u16 = 0x11e8;

/// Where the device keeps what it has fetched.
pub(crate) const STORAGE: u64 = 0x40000;
/// What is copied at once. It has room for twice as much, but QEMU does not let it use the end.
pub(crate) const COPIED: usize = 2048;

// Commands. The first bit is there as long as the device works.
pub(crate) const FETCH: u64 = 1;
pub(crate) const STORE: u64 = 3;

const SOURCE: usize = 0x80;
const DESTINATION: usize = 0x88;
const LENGTH: usize = 0x90;
const COMMAND: usize = 0x98;
/// Where the registers end.
pub(crate) const END: usize = 0xa0;

/// Has [`COPIED`] bytes copied. Sleeps.
pub(crate) fn copy(
    bar: &pci::Bar<'_, END>,
    from: DmaAddress,
    to: DmaAddress,
    command: u64,
) -> Result {
    bar.try_write64(from, SOURCE)?;
    bar.try_write64(to, DESTINATION)?;
    bar.try_write64(COPIED as u64, LENGTH)?;
    bar.try_write64(command, COMMAND)?;
    // 100 ms on the clock of the guest.
    read_poll_timeout(
        || bar.try_read64(COMMAND),
        |command| command & 1 == 0,
        Delta::from_millis(10),
        Delta::from_secs(60),
    )?;
    Ok(())
}
