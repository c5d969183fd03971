// SPDX-License-Identifier: GPL-2.0

//! What is in pages, copied in and out.

use super::{
    block::PageBlock,
    run::PageRun, //
};
use crate::{
    bindings,
    page::{
        PAGE_MASK,
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
};

impl PageRun<'_> {
    /// Copies what is in the pages now, from byte `offset` on, to `out`.
    ///
    /// Processes that have the pages mapped and devices may write to them at the same time, which
    /// is why there is no slice of them to be had: of what changes meanwhile, `out` has any mixture
    /// of old and new. Fails with `EINVAL`, and copies nothing, unless all of it lies in the run.
    /// Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::dma_buf::{AllocEffort, PageBlock};
    ///
    /// let mut block = PageBlock::alloc(0, AllocEffort::Required, false).ok_or(ENOMEM)?;
    /// let mut text = [0xff; 6];
    ///
    /// block.write(10, b"hello")?;
    /// block.run().read(10, &mut text)?;
    /// assert_eq!(&text, b"hello\0");
    ///
    /// // No byte too far.
    /// assert_eq!(block.write(block.size() - 4, b"hello"), Err(EINVAL));
    /// assert_eq!(block.run().read(usize::MAX, &mut text), Err(EINVAL));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Result {
        Transfer::Out(*self, out).from(offset)
    }
}

impl PageBlock {
    /// Copies `data` into the pages, to byte `offset` and what follows.
    ///
    /// For memory that nobody else has seen yet: once the block is exported, nobody has it
    /// mutably. Fails with `EINVAL`, and copies nothing, unless all of it fits. Does not sleep.
    #[inline]
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        Transfer::In(self, data).from(offset)
    }
}

/// What is copied. What pages are written to are nobody else's.
enum Transfer<'a> {
    Out(PageRun<'a>, &'a mut [u8]),
    In(&'a mut PageBlock, &'a [u8]),
}

impl Transfer<'_> {
    /// Copies all of the bytes, from byte `offset` of the pages on.
    #[inline(always)]
    fn from(mut self, offset: usize) -> Result {
        let (run, bytes, len, out) = match &mut self {
            Transfer::Out(run, out) => (*run, out.as_mut_ptr(), out.len(), true),
            Transfer::In(block, data) => (block.run(), data.as_ptr().cast_mut(), data.len(), false),
        };

        if offset.checked_add(len).is_none_or(|end| end > run.size()) {
            return Err(EINVAL);
        }

        let mut done = 0;
        while done < len {
            let at = offset + done;
            let start = at & !PAGE_MASK;
            let part = (PAGE_SIZE - start).min(len - done);
            let page = run.page(at >> PAGE_SHIFT).ok_or(EINVAL)?;

            // SAFETY: The page is memory that the run's owner keeps. The part lies in it, and in
            // the bytes, which are only written to if they may be. Nothing in Rust has a reference
            // to what is in the page. Unmapped again by this task, in reverse order.
            unsafe {
                let mapped = bindings::kmap_local_page(page.as_ptr());
                let (memory, bytes) = (mapped.byte_add(start), bytes.add(done).cast());

                if out {
                    bindings::memcpy(bytes, memory, part);
                } else {
                    bindings::memcpy(memory, bytes, part);
                }
                bindings::kunmap_local(mapped);
            }
            done += part;
        }
        Ok(())
    }
}
