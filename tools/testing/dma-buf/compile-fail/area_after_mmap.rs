// SPDX-License-Identifier: GPL-2.0

//! What is mapped into user space is not made something else afterwards.

use kernel::{
    dma::CoherentOwner,
    dma_buf::{
        Buffer,
        BufferVma,
        Exporter, //
    },
    prelude::*,
};

fn mixed<T: Exporter + CoherentOwner>(buf: &Buffer<T>, vma: BufferVma<'_>) -> Result {
    vma.set_dontcopy();
    buf.mmap_coherent(vma)?;
    // Unmapping would drop references to pages, which nobody took.
    #[cfg(misuse)]
    vma.set_mixedmap(); //~ ERROR borrow of moved value: `vma`
    Ok(())
}

fn mixed_before<T: Exporter + CoherentOwner>(buf: &Buffer<T>, vma: BufferVma<'_>) -> Result {
    let mixed = vma.set_mixedmap();

    #[cfg(misuse)]
    buf.mmap_coherent(vma)?; //~ ERROR cannot move out of `vma` because it is borrowed
    let _ = (buf, mixed.flags());
    Ok(())
}
