// SPDX-License-Identifier: GPL-2.0

//! A fence needs a slot, which was reserved when failing was still possible.

use kernel::{
    dma_buf::{
        DmaBuf,
        LeafFence,
        ResvGuard,
        Usage, //
    },
    prelude::*,
};

fn add(guard: &mut ResvGuard<'_>, fence: &LeafFence) -> Result {
    #[cfg(misuse)]
    guard.add(fence, Usage::Write); //~ ERROR no method named `add` found
    #[cfg(misuse)]
    guard.resv().add(fence, Usage::Write); //~ ERROR no method named `add` found
    if !guard.reserve_fences(1)?.add(fence, Usage::Write) {
        return Err(ENOSPC);
    }
    Ok(())
}

fn add_unlocked(buf: &DmaBuf, fence: &LeafFence) -> Result {
    #[cfg(misuse)]
    buf.resv().add(fence, Usage::Write); //~ ERROR no method named `add` found
    add(&mut buf.resv().lock(), fence)
}
