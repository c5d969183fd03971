// SPDX-License-Identifier: GPL-2.0

//! Nobody is shown what the last user of the memory has left there.

use kernel::{
    cma::{
        Cma,
        CmaPages, //
    },
    dma_buf::{
        DmaBuf,
        PageRun,
        PageSource, //
    },
    fs::file::flags::O_RDWR,
    prelude::*,
    sync::aref::ARef,
};

struct Contiguous(CmaPages);

#[vtable]
impl PageSource for Contiguous {
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        core::iter::once(PageRun::from(&self.0))
    }
}

fn export(region: &'static Cma) -> Result<ARef<DmaBuf>> {
    let pages = region.alloc(4)?;

    #[cfg(misuse)]
    let _ = PageRun::from(&pages); //~ ERROR the trait bound
    #[cfg(not(misuse))]
    let pages = pages.clear()?;
    DmaBuf::from_pages(c"contiguous", O_RDWR, Contiguous(pages)) //~ ERROR mismatched types
}
