// SPDX-License-Identifier: GPL-2.0

//! Fences are taken out of a reservation object by who has made them, and by nobody else: memory
//! that another driver's device is using would be thought idle.

use kernel::{
    dma_buf::{
        DmaBuf,
        Fence,
        FenceContext,
        FenceContextOps,
        Resv,
        Usage, //
    },
    prelude::*,
};

fn copy(buf: &DmaBuf) -> Result<Pin<KBox<Resv>>> {
    let resv = KBox::pin_init(Resv::copy_of(buf.resv()), GFP_KERNEL)?;

    #[cfg(misuse)]
    buf.resv().lock().copy_fences_from(&resv)?; //~ ERROR no method named `copy_fences_from` found
    Ok(resv)
}

fn replace<T: FenceContextOps>(buf: &DmaBuf, ours: &FenceContext<T>, others: &Fence) -> Result {
    let stub = Fence::stub();
    let mut guard = buf.resv().lock();

    #[cfg(misuse)]
    guard.replace_fences(others.context(), &stub, Usage::Bookkeep)?; //~ ERROR mismatched types
    guard.replace_fences(ours, &stub, Usage::Bookkeep)?;
    let _ = others;
    Ok(())
}
