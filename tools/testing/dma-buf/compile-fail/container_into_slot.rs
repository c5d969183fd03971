// SPDX-License-Identifier: GPL-2.0

//! A reservation object takes single fences: a container comes apart first.

use kernel::{
    dma_buf::{
        Fence,
        ResvGuard,
        SyncFile,
        Usage, //
    },
    prelude::*,
};

fn add_all(guard: &mut ResvGuard<'_>, fd: i32) -> Result {
    // Whatever user space has merged.
    let fence = SyncFile::fence_from_fd(fd)?;
    let count = u32::try_from(fence.unwrap().count())?;
    let mut slots = guard.reserve_fences(count)?;

    #[cfg(misuse)]
    slots.add(&fence, Usage::Write); //~ ERROR mismatched types
    for each in fence.unwrap() {
        slots.add(each.as_leaf().ok_or(EINVAL)?, Usage::Write);
    }
    Ok(())
}

fn add_one(guard: &mut ResvGuard<'_>, fence: &Fence) -> Result {
    let slot = guard.reserve_fences(1)?.take().ok_or(ENOSPC)?;

    #[cfg(misuse)]
    slot.add(fence, Usage::Write); //~ ERROR mismatched types
    #[cfg(not(misuse))]
    slot.add(fence.as_leaf().ok_or(EINVAL)?, Usage::Write);
    Ok(())
}
