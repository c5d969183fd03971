// SPDX-License-Identifier: GPL-2.0

//! What a buffer is made of.

use kernel::{
    dma_buf::{
        memfd::PinnedPages,
        DmaBuf,
        MmapMode,
        PageRun,
        PageSource, //
    },
    fs::file::flags,
    prelude::*,
    sync::aref::ARef, //
};

/// The memory of one buffer.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) PinnedPages);

#[vtable]
impl PageSource for Memory {
    // Who shares memory that way usually needs all of it or, having the file mapped, nothing.
    const MMAP: MmapMode = MmapMode::OnFirstFault;
    // Most folios are single pages; as many of them as possible make an entry of a device's table.
    const JOIN: bool = true;
    // The ABI was always this way.
    const END_NEEDS_BEGIN: bool = true;
    // The memory file stays mapped and open to its process.
    const WRITTEN_BEHIND: bool = true;

    #[inline]
    fn runs(&self) -> impl Iterator<Item = PageRun<'_>> + Clone {
        self.0.runs()
    }

    fn runs_after(&self, skip: usize) -> impl Iterator<Item = PageRun<'_>> {
        self.0.runs_after(skip)
    }

    #[inline]
    fn all_runs_after<'a>(&'a self, skip: usize, f: impl FnMut(PageRun<'a>) -> bool) {
        self.0.all_runs_after(skip, f);
    }

    #[inline]
    fn count(&self) -> Result<usize> {
        Ok(self.0.count())
    }
}

/// Makes a buffer of `memory`. Fails with `EINVAL` if its size does not fit in a `size_t`.
pub(crate) fn export(memory: Memory) -> Result<ARef<DmaBuf>> {
    DmaBuf::from_pages(c"udmabuf", flags::O_RDWR, memory)
}
