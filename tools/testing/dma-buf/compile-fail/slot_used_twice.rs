// SPDX-License-Identifier: GPL-2.0

//! A slot has room for one fence.

use kernel::dma_buf::{
    LeafFence,
    Slot,
    Usage, //
};

fn two_in_one(slot: Slot<'_>, fence: &LeafFence) {
    slot.add(fence, Usage::Read);
    #[cfg(misuse)]
    slot.add(fence, Usage::Write); //~ ERROR use of moved value: `slot`
}
