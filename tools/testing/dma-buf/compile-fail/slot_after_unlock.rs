// SPDX-License-Identifier: GPL-2.0

//! Slots are gone when the reservation object is unlocked: somebody else may use the room.

use kernel::{
    dma_buf::{
        LeafFence,
        Resv,
        Usage, //
    },
    prelude::*,
};

fn unlocked_too_early(resv: &Resv, fence: &LeafFence) -> Result {
    let mut guard = resv.lock();
    let mut slots = guard.reserve_fences(1)?;

    #[cfg(misuse)]
    drop(guard); //~ ERROR cannot move out of `guard` because it is borrowed
    slots.add(fence, Usage::Write);
    Ok(())
}

fn reserved_by_another_lock(resv: &Resv, fence: &LeafFence) -> Result {
    let mut guard = resv.lock();
    #[cfg(misuse)]
    let mut slots = resv.lock().reserve_fences(1)?; //~ ERROR temporary value dropped while borrowed
    #[cfg(not(misuse))]
    let mut slots = guard.reserve_fences(1)?;

    slots.add(fence, Usage::Write);
    Ok(())
}
