// SPDX-License-Identifier: GPL-2.0

//! An area that a buffer is mapped into is not made something else afterwards, nor twice.

use kernel::{
    dma_buf::DmaBuf,
    fs::area::MmapVma,
    prelude::*, //
};

fn afterwards(buf: &DmaBuf, vma: MmapVma<'_>) -> Result {
    vma.set_dontcopy();
    buf.mmap(vma, 0)?;
    #[cfg(misuse)]
    vma.set_mixedmap(); //~ ERROR borrow of moved value: `vma`
    Ok(())
}

fn twice(buf: &DmaBuf, other: &DmaBuf, vma: MmapVma<'_>) -> Result {
    let result = buf.mmap(vma, 0);

    #[cfg(misuse)]
    let result = result.or_else(|_| other.mmap(vma, 0)); //~ ERROR use of moved value: `vma`
    let _ = other;
    result
}

fn before(buf: &DmaBuf, vma: MmapVma<'_>) -> Result {
    let mixed = vma.set_mixedmap();

    #[cfg(misuse)]
    buf.mmap(vma, 0)?; //~ ERROR cannot move out of `vma` because it is borrowed
    let _ = (buf, mixed.flags());
    Ok(())
}
