// SPDX-License-Identifier: GPL-2.0

//! Contents are not looked at when they are not mapped into the kernel's address space any more.

use kernel::{
    dma_buf::DmaBuf,
    io::Io,
    prelude::*, //
};

fn view_of_nothing(buf: &DmaBuf) -> Result<usize> {
    let contents = buf.vmap()?;
    let view = contents.view();

    #[cfg(misuse)]
    drop(contents); //~ ERROR cannot move out of `contents` because it is borrowed
    Ok(view.len())
}
