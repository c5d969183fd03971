// SPDX-License-Identifier: GPL-2.0

//! Slots come from a reservation, and nowhere else.

use kernel::dma_buf::{
    Resv,
    Slot,
    Slots, //
};

#[cfg(misuse)]
fn made_up(resv: &Resv) -> Slot<'_> {
    Slot { resv } //~ ERROR due to private fields
}

fn reserved<'a>(slots: &mut Slots<'a>) -> Option<Slot<'a>> {
    slots.take()
}
