// SPDX-License-Identifier: GPL-2.0

//! What a page fault shows is there as long as the buffer is, not for a moment.

use kernel::{
    dma_buf::{
        AllocEffort,
        MmapMode,
        PageBlock,
        PageRun,
        PageSource, //
    },
    prelude::*,
};

struct Block(PageBlock);

#[vtable]
impl PageSource for Block {
    const MMAP: MmapMode = MmapMode::OnFirstFault;

    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        core::iter::once(self.0.run())
    }

    fn all_runs_after<'a>(&'a self, skip: usize, mut f: impl FnMut(PageRun<'a>) -> bool) {
        if skip == 0 {
            f(self.0.run());
        }
        #[cfg(misuse)]
        if let Some(other) = PageBlock::alloc(0, AllocEffort::Required, false) {
            f(other.run()); //~ ERROR `other` does not live long enough
        }
    }
}

pub fn block() -> Option<impl PageSource> {
    PageBlock::alloc(2, AllocEffort::Required, false).map(Block)
}
