// SPDX-License-Identifier: GPL-2.0

//! A descriptor is installed once, and its reservation is gone then.

use kernel::dma_buf::FdReservation;

fn twice(fd: FdReservation) {
    fd.install();
    #[cfg(misuse)]
    fd.install(); //~ ERROR use of moved value: `fd`
}

fn number_after_install(fd: FdReservation) -> u32 {
    #[cfg(not(misuse))]
    let number = fd.number();
    fd.install();
    #[cfg(misuse)]
    let number = fd.number(); //~ ERROR borrow of moved value: `fd`
    number
}
