// SPDX-License-Identifier: GPL-2.0

//! An access of the CPU ends once, and before the buffer goes.

use kernel::{
    dma::DataDirection,
    dma_buf::DmaBuf,
    prelude::*,
    sync::aref::ARef, //
};

fn twice(buf: &DmaBuf) -> Result {
    let access = buf.begin_cpu_access(DataDirection::FromDevice)?;

    access.end()?;
    #[cfg(misuse)]
    access.end()?; //~ ERROR use of moved value: `access`
    Ok(())
}

fn without_a_buffer(buf: ARef<DmaBuf>) -> Result {
    let access = buf.begin_cpu_access(DataDirection::FromDevice)?;

    #[cfg(misuse)]
    drop(buf); //~ ERROR cannot move out of `buf` because it is borrowed
    access.end()
}
