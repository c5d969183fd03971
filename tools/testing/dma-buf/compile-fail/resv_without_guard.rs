// SPDX-License-Identifier: GPL-2.0

//! What is in a reservation object is changed, and looked at for good, by who has locked it.

use kernel::{
    dma_buf::{
        DmaBuf,
        Fence,
        FenceContext,
        FenceContextOps,
        Resv,
        ResvGuard,
        Usage, //
    },
    prelude::*,
};

fn reserve(buf: &DmaBuf) -> Result {
    #[cfg(misuse)]
    buf.resv().reserve_fences(1)?; //~ ERROR no method named `reserve_fences` found
    buf.resv().lock().reserve_fences(1)?;
    Ok(())
}

fn count(resv: &Resv) -> usize {
    #[cfg(misuse)]
    return resv.fences(Usage::Read).count(); //~ ERROR no method named `fences` found
    resv.lock().fences(Usage::Read).count()
}

fn replace<T: FenceContextOps>(resv: &Resv, ours: &FenceContext<T>, fence: &Fence) -> Result {
    #[cfg(misuse)]
    resv.replace_fences(ours, fence, Usage::Read)?; //~ ERROR no method named `replace_fences` found
    resv.lock().replace_fences(ours, fence, Usage::Read)
}

fn first_fence<'a>(guard: &'a mut ResvGuard<'_>) -> Option<&'a Fence> {
    let first = guard.fences(Usage::Read).next();

    // Another fence might take its place.
    #[cfg(misuse)]
    guard.reserve_fences(1).ok()?; //~ ERROR cannot borrow `*guard` as mutable
    first
}
