// SPDX-License-Identifier: GPL-2.0

//! Contents that were mapped with the reservation object held are not accessed without.

use kernel::{
    dma_buf::DmaBuf,
    io::Io,
    prelude::*, //
};

fn unlocked_too_early(buf: &DmaBuf, to: &mut [u8]) -> Result {
    let guard = buf.resv().lock();
    let contents = buf.vmap_locked(&guard)?;

    #[cfg(misuse)]
    drop(guard); //~ ERROR cannot move out of `guard` because it is borrowed
    contents.read(0, to)
}

fn view_of_what_is_unmapped(buf: &DmaBuf) -> Result<usize> {
    let contents = buf.vmap()?;
    let view = contents.view();

    #[cfg(misuse)]
    drop(contents); //~ ERROR cannot move out of `contents` because it is borrowed
    Ok(view.len())
}

fn access_ended_twice(buf: &DmaBuf) -> Result {
    let access = buf.begin_cpu_access(kernel::dma::DataDirection::FromDevice)?;

    access.end()?;
    #[cfg(misuse)]
    access.end()?; //~ ERROR use of moved value: `access`
    Ok(())
}
